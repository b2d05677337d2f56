/** What each kind of finding means, in a sentence for who has never met it. */
import type { Kind } from '../../machines/object.ts';

export const RULES: Readonly<Record<Kind, string>> = {
  'use-after-free': 'A step reaches memory that was freed.',
  'double-free': 'Memory is freed that was freed before.',
  'null-deref': 'A step goes through a pointer that was never set, or was cleared.',
  refcount: 'A reference count is raised from 0, put below 0, or set over live references.',
  'data-race': 'Two accesses to one field are not ordered; one is a write, and one is plain.',
  deadlock: 'Threads wait for what nobody can do any more.',
  'self-deadlock': 'A thread acquires the lock that it holds.',
  'hung-task': 'A task is never woken while others go on.',
  starvation: 'An operation need never end, though every thread gets its turn.',
  'lock-order': 'Locks are taken in orders that go round in a circle.',
  'sleep-in-atomic': 'A thread may sleep where it must not.',
  'lock-held-at-exit': 'A thread returns to user space with a lock held.',
  'unlock-imbalance': 'A lock is released that the thread does not hold.',
  leak: 'Something is left over when every task has ended.',
  warn: 'A WARN of the kernel.',
  bug: 'A BUG of the kernel.',
  'list-corruption': 'A list is used in a way that breaks it.',
  invariant: 'What the scenario says holds in every state does not.',
  'end-state': 'What the scenario says holds at the end does not.',
  'never-reached': 'What the scenario says is reachable is not.',
  'non-serialisable': 'A run ends as no order of whole operations does.',
};
