/**
 * A finding in one line, as the bots name what they have found (pkg/report/linux.go of syzkaller): the same for each
 * occurrence, so that one can be searched for. Null where a kernel prints nothing at the finding.
 */
import type { Finding } from '../../check/finding.ts';
import { unfreedOf, whereIn } from '../../trace/ledger.ts';

export function titleOf({ kind, object, fault, trace }: Finding): string | null {
  if (trace === null) return null;
  const where = fault.sites[0]?.function ?? '';
  const last = trace.steps.at(-1);
  if (kind === 'leak') {
    const [allocated] = unfreedOf(trace, object);
    return allocated === undefined ? null : `memory leak in ${whereIn(allocated)}`;
  }
  if (fault.prints === null) return null;
  switch (kind) {
    case 'use-after-free':
      return fault.prints.startsWith('BUG: KASAN')
        ? `KASAN: slab-use-after-free ${last?.means.kind === 'read' ? 'Read' : 'Write'} in ${where}`
        : `BUG: unable to handle kernel paging request in ${where}`;
    case 'double-free':
      return `KASAN: double-free in ${where}`;
    case 'null-deref':
      return `BUG: unable to handle kernel NULL pointer dereference in ${where}`;
    case 'data-race':
      return fault.prints.replace(/^BUG: /, '');
    case 'refcount':
      return fault.prints.startsWith('refcount_t: ') ? `WARNING: refcount bug in ${where}` : `WARNING in ${where}`;
    case 'deadlock':
    case 'hung-task':
      return `INFO: task hung in ${where}`;
    case 'self-deadlock':
    case 'lock-order':
      return `possible deadlock in ${where}`;
    case 'sleep-in-atomic':
      return `BUG: sleeping function called from invalid context in ${where}`;
    case 'lock-held-at-exit':
      return `WARNING: lock held when returning to user space in ${where}`;
    case 'unlock-imbalance':
      return `WARNING: bad unlock balance in ${where}`;
    case 'bug':
      return `kernel BUG in ${where}`;
    case 'list-corruption':
      return last?.stops === true ? `BUG: corrupted list in ${where}` : `WARNING in ${where}`;
    case 'warn':
      return `${warning(fault.prints)} in ${where}`;
    case 'starvation':
    case 'invariant':
    case 'end-state':
    case 'never-reached':
    case 'non-serialisable':
      return null;
  }
}

/** Some warnings have a name of their own. */
function warning(prints: string): string {
  if (prints.startsWith('ODEBUG: ')) return 'WARNING: ODEBUG bug';
  const [, named] = /^(WARNING: (?:suspicious RCU usage|held lock freed|bad unlock balance))/.exec(prints) ?? [];
  return named ?? 'WARNING';
}
