import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/read-beside-close.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a read and a close of one file are no race, nor are two files', async (t) => {
  const result = await isClean(t, scenario, 'rfc');
  t.true(result.sometimes.every(({ reached }) => reached));
});

test('without the reference to the file they are one', async (t) => {
  const result = await isAsExpected(t, scenario, 'read-without-file');
  shows(t, findingOf(result, 'data-race', 'vdev.mediate_ops', 'a plain write in vfio_pci_release() and a plain read in'), [
    'closer: vdev->mediate_ops = NULL',
    'reader: vdev->mediate_ops = {"at":"NULL"}',
  ]);
  // It looks twice, and calls what it sees the second time.
  shows(t, findingOf(result, 'null-deref', 'module'), [
    'reader: igd_dt_ops.rw != NULL',
    'closer: vdev->mediate_ops = NULL',
    'reader: vdev->mediate_ops = {"at":"NULL"}',
  ]);
});

test('nor is there a reference to the file where the read does not take it', async (t) => {
  const undone = await withoutLine(scenario, 'rfc', { event: 'get_file_rcu', in: 'access', reply: true });
  t.truthy(findingOf(undone, 'data-race', 'vdev.mediate_ops'));
});
