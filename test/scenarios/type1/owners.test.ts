import test from 'ava';
import execKeepsMappings from '../../../scenarios/type1/exec-keeps-mappings.ts';
import foreignUnmap from '../../../scenarios/type1/foreign-unmap.ts';
import mappedByAThread from '../../../scenarios/type1/mapped-by-a-thread.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

for (const variant of ['itself', 'child-refused', 'child-looks'])
  test(`foreign-unmap/${variant}: who unmaps knows what is gone`, async (t) => {
    await isClean(t, foreignUnmap, variant);
  });

for (const variant of ['child', 'stranger'])
  test(`a ${variant} unmaps nothing, and is told of success`, async (t) => {
    const told = findingOf(await isAsExpected(t, foreignUnmap, variant), 'end-state', 'gpu_table.table');
    shows(t, told, [
      'user: dma->task = {"at":"qemu"}',
      'user: qemu->mm = {"at":"mm"}',
      'user: other->mm = {"at":"mm_other"}',
      'user: mutex_unlock(&iommu->lock)',
    ]);
    t.is(told.fault.prints, null);
  });

test('after an exec the new address space is relieved of what it was not charged for', async (t) => {
  const below = findingOf(await isAsExpected(t, execKeepsMappings, 'v4.19'), 'invariant', 'mm_new.locked_vm');
  shows(t, below, [
    'qemu: mm->locked_vm = 1',
    'qemu: qemu->mm = mm_new',
    'qemu: kfree(mm)',
    'qemu: mm_new->locked_vm = 0',
    'qemu: mm_new->locked_vm = -1',
  ]);
  await isClean(t, execKeepsMappings, 'v5.10.198');
});

test('a thread that has exited takes the right to unmap along', async (t) => {
  const result = await isAsExpected(t, mappedByAThread, 'v4.17');
  shows(t, findingOf(result, 'invariant', 'gpu_table.table'), [
    'vcpu: dma->task = {"at":"vcpu"}',
    'vcpu: vcpu->mm = NULL',
    'qemu: vcpu->mm = {"at":"NULL"}',
    'qemu: qemu->mm = {"at":"mm"}',
    'qemu: mutex_unlock(&iommu->lock)',
  ]);
  shows(t, findingOf(result, 'end-state', 'mm.locked_vm'), ['vcpu: mm->locked_vm = 1', 'qemu: kfree(iommu)']);
  await isClean(t, mappedByAThread, 'v4.19');
});
