/** Pairs of neighbours that other threads can see, the other way round. */
import type { Step } from '../../actors/step.ts';
import { lockIn } from '../model/editing/locks.ts';
import { isWithin } from '../model/editing/site.ts';
import type { Program } from '../tables/program.ts';
import { type Element, element } from './element.ts';
import type { Flow, Passage } from './flow.ts';
import { repliesIfAlike } from './sections.ts';

export function orders(flow: Flow, program: Program): readonly Element[] {
  const others = new Others(flow, program);
  const pairs = new Map<string, Passage>();
  for (const passage of flow.passages) {
    const { from, to, position } = passage;
    if (to === null || !isWithin(to.step, from.activations) || !canSwap(from.step, to.step)) continue;
    const { thread } = program.positions[position] as (typeof program.positions)[number];
    if (![from, to].every(({ step }) => others.see(step, thread))) continue;
    pairs.set(`${from.site.key} ${to.site.key}`, passage);
  }
  return [...pairs.values()].flatMap((pair) => swapped(flow, pair));
}

/** Of locks it is told in sections; and what a step frees or allocates cannot change places with what uses it. */
function canSwap(first: Step, second: Step): boolean {
  if (lockIn(first) !== null || lockIn(second) !== null) return false;
  return !objectsOf(first).some((one) => objectsOf(second).some((other) => overlap(one, other)));
}

const objectsOf = ({ step }: Step): readonly string[] => step.flatMap(({ messages }) => messages.map(({ object }) => object));
const overlap = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);

function swapped(flow: Flow, { from, to }: Passage): readonly Element[] {
  if (to === null) return [];
  const says = `with ${to.site.c} before ${from.site.c} in ${from.site.function}()`;
  const isVoid = from.step.step.length === 1 && flow.from(from.site.key).every(({ reply }) => reply === null);
  if (isVoid)
    return [element('order', 'swapped', says, [from.site, to.site], { kind: 'delay', at: from.site.key, past: [to.site.key] })];
  const replies = repliesIfAlike(flow, from.site.key, to.site.key);
  if (replies === null || to.step.step.length > 1) return [];
  return [
    element('order', 'swapped', says, [from.site, to.site], { kind: 'hasten', at: to.site.key, before: from.site.key, replies }),
  ];
}

/** Which objects threads speak to: a step that no other thread can see, or disturb, may stand where it likes. */
class Others {
  private readonly byObject = new Map<string, { readonly threads: Set<number>; readonly writers: Set<number> }>();

  constructor(flow: Flow, { positions }: Program) {
    for (const [position, stand] of flow.sites.stands.entries())
      for (const { messages } of stand?.step.step ?? [])
        for (const { object, means } of messages) {
          const known = this.byObject.get(object) ?? { threads: new Set(), writers: new Set() };
          known.threads.add(positions[position]?.thread ?? -1);
          if (means.kind !== 'read') known.writers.add(positions[position]?.thread ?? -1);
          this.byObject.set(object, known);
        }
  }

  see({ step }: Step, thread: number): boolean {
    return step.some(({ messages }) =>
      messages.some(({ object, means }) =>
        [...this.byObject].some(
          ([other, { threads, writers }]) =>
            overlap(object, other) && [...(means.kind === 'read' ? writers : threads)].some((one) => one !== thread),
        ),
      ),
    );
  }
}
