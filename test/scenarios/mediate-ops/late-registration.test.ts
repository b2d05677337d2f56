import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/late-registration.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

for (const variant of ['rfc', 'held'])
  test(`in ${variant} the open after the registration asks nobody`, async (t) => {
    const late = findingOf(await isAsExpected(t, scenario, variant), 'invariant', 'vdev.chart');
    shows(t, late, ['user: list_add(&mentry->next, &vfio_pci.mediate_ops_list)', 'user: vdev->refcnt = 2']);
    t.false(linesOf(late).includes('user: igd_dt_ops.open()'));
    t.is(late.fault.prints, null);
  });

for (const variant of ['rfc-reopened', 'held-reopened'])
  test(`in ${variant} who opens a closed device has it mediated`, async (t) => {
    await isClean(t, scenario, variant);
  });
