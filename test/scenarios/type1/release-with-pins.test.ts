import test from 'ava';
import scenario from '../../../scenarios/type1/release-with-pins.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a mapping is freed with pages on its list when the driver unpins too late', async (t) => {
  const result = await isAsExpected(t, scenario, 'unpins-later');
  shows(t, findingOf(result, 'warn', 'vfio_sanity_check_pfn_list'), [
    'qemu: list_add_tail(&vpfn->node, &dma->pfn_list)',
    'qemu: complete(&release_work.queued)',
    'qemu: list_empty(&dma->pfn_list) = false',
  ]);
  shows(t, findingOf(result, 'warn', 'vendor_release_work'), [
    'qemu: atomic_dec_if_positive(&vgpu_group->container_users) = 0',
    'kworker: atomic_inc_not_zero(&vgpu_group->container_users) = false',
  ]);
  // The page that nobody will ever put.
  t.is(findingOf(result, 'leak', 'page').kind, 'leak');
});

test('all goes when the driver unpins in its close, whoever has mapped it', async (t) => {
  await isClean(t, scenario, 'unpins-first');
  await isClean(t, scenario, 'of-all-tasks');
});
