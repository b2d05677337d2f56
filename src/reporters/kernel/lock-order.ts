/**
 * Lockdep on the order of locks (print_circular_bug(), print_deadlock_bug() and print_usage_bug() of
 * kernel/locking/lockdep.c, v6.12): the chain, and the table of how it may end. A kernel prints it when the last of the
 * orders is first seen, whether or not anything ever deadlocks.
 */
import type { LockOrder, OrderLink } from '../../check/lock-order/lock-order.ts';
import { callTrace } from './call-trace.ts';
import { report, twiceOnOneCpu } from './lockdep.ts';

export function lockOrder(title: string, { shape, links }: LockOrder): readonly string[] {
  const last = links.at(-1);
  if (last === undefined) return [`${title} (modelled)`];
  switch (shape) {
    case 'circular':
      return report(title, circular(links, last));
    case 'recursive':
      return report(title, recursive(last));
    case 'irq':
      return report(title, inconsistent(links[0] ?? last, last));
  }
}

const acquire = (name: string, isRead: boolean): string => `${isRead ? 'rlock' : 'lock'}(${name});`;

/** The last link closes the circle: it takes the source while it holds the target; the lock before that is the parent. */
function circular(links: readonly OrderLink[], closing: OrderLink): readonly string[] {
  const source = closing.takes;
  const target = closing.holds;
  const parent = links.at(-2)?.holds ?? source;
  return [
    ...opening(closing),
    '',
    'which lock already depends on the new lock.',
    '',
    '',
    'the existing dependency chain (in reverse order) is:',
    ...links
      .toReversed()
      .toSpliced(0, 1)
      .concat(closing)
      .flatMap((link, i) => [
        '',
        `-> #${links.length - 1 - i} (${link.takes}):`,
        ...link.functions.toReversed().map((name) => `       ${name}`),
        `       [takes it under ${link.holds}, by ${link.thread}]`,
      ]),
    '',
    'other info that might help us debug this:',
    '',
    ...(links.length > 2 ? ['Chain exists of:', `  ${source} --> ${parent} --> ${target}`, ''] : []),
    ' Possible unsafe locking scenario:',
    '',
    '       CPU0                    CPU1',
    '       ----                    ----',
    `  ${acquire(target, closing.holdsShared)}`,
    `${' '.repeat(31)}lock(${parent});`,
    `${' '.repeat(31)}lock(${target});`,
    `  ${acquire(source, closing.takesShared)}`,
    '',
    ' *** DEADLOCK ***',
    '',
    ...heldBy(closing),
  ];
}

const recursive = (link: OrderLink): readonly string[] => [
  ...opening(link),
  ...twiceOnOneCpu(acquire(link.holds, false), acquire(link.takes, false)),
  '',
  ...heldBy(link),
];

/** @param outside the place with interrupts on */
function inconsistent(outside: OrderLink, handler: OrderLink): readonly string[] {
  const mode = ({ takesShared }: OrderLink) => (takesShared ? 'R' : 'W');
  return [
    `inconsistent {HARDIRQ-ON-${mode(outside)}} -> {IN-HARDIRQ-${mode(handler)}} usage.`,
    `${handler.thread} takes:`,
    ` (${handler.takes}), at: ${innermostOf(handler)}`,
    `{HARDIRQ-ON-${mode(outside)}} state was registered at:`,
    ...outside.functions.toReversed().map((name) => `  ${name}`),
    `  [by ${outside.thread}]`,
    '',
    'other info that might help us debug this:',
    ' Possible unsafe locking scenario:',
    '',
    '       CPU0',
    '       ----',
    `  lock(${outside.takes});`,
    '  <Interrupt>',
    `    lock(${handler.takes});`,
    '',
    ' *** DEADLOCK ***',
    '',
    ...callTrace(handler.functions),
  ];
}

const opening = (link: OrderLink): readonly string[] => [
  `${link.thread} is trying to acquire lock:`,
  ` (${link.takes}), at: ${innermostOf(link)}`,
  '',
  'but task is already holding lock:',
  ` (${link.holds})`,
];

const innermostOf = ({ functions, takes }: OrderLink): string => functions.at(-1) ?? takes;

const heldBy = ({ thread, held }: OrderLink): readonly string[] => [
  `${held.length} lock${held.length === 1 ? '' : 's'} held by ${thread}:`,
  ...held.map((lock, i) => ` #${i}:  (${lock})`),
];
