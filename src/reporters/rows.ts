/** A counterexample as rows in time order: who does what, how deep in which calls. How rows are laid out is not said here. */
import type { Finding } from '../check/finding.ts';
import { plainName } from '../model/names.ts';
import type { Standing, Trace, TraceStep } from '../trace/trace.ts';
import { ascii, count } from './layout.ts';
import { relevantSteps } from './relevance.ts';
import { aroundIts, commonStart, type Open, opened } from './open-calls.ts';
import { type SpokenStep, speak, subjectOf } from './spoken-step.ts';
import { whoIsStuck } from './stuck.ts';

interface InColumn {
  readonly thread: string;
  /** How many calls stand open around it. */
  readonly depth: number;
}

export type Row =
  /** A kernel function is entered. */
  | (InColumn & { readonly kind: 'enter'; readonly says: string })
  | (InColumn & { readonly kind: 'step'; readonly step: TraceStep; readonly spoken: SpokenStep; readonly marked: boolean })
  | (InColumn & { readonly kind: 'elided'; readonly says: string })
  /** A call that cannot go on. */
  | (InColumn & { readonly kind: 'stuck'; readonly says: string; readonly waits: string })
  /** What is wrong with the step before; nothing where the step says it itself. */
  | (InColumn & { readonly kind: 'wrong'; readonly says: string })
  | { readonly kind: 'loop' }
  | { readonly kind: 'again'; readonly from: number }
  /** What is wrong with the state in the end. */
  | { readonly kind: 'result'; readonly says: string };

/** How a thread is called in the diagram: `CPU0`, or by its name. */
export type NameOf = (thread: string) => string;

export interface RowOptions {
  readonly allSteps: boolean;
  readonly nameOf: NameOf;
}

/** The threads of the diagram, in the order of the scenario: those that move, and those that are stuck. */
export const threadsOf = (finding: Finding, trace: Trace): readonly string[] =>
  trace.standing
    .map(({ thread }) => thread)
    .filter(
      (thread) => finding.threads.includes(thread) || stuckIn(finding, trace).some((standing) => standing.thread === thread),
    );

export function rowsOf(finding: Finding, trace: Trace, { allSteps, nameOf }: RowOptions): readonly Row[] {
  const rows = new Rows();
  const relevant = relevantSteps(finding, trace);
  const marked = new Set(finding.pair.marked);
  for (const stretch of stretchesOf(trace.steps, ({ index }) => allSteps || relevant.has(index), finding.loopFrom)) {
    const [first] = stretch.steps;
    if (first.index === finding.loopFrom) rows.loop();
    if (stretch.kept) rows.step(first, marked.has(first.index));
    else
      rows.elide(
        stretch.steps,
        trace.steps.find(({ index, thread }) => thread === first.thread && index > first.index && relevant.has(index)),
      );
  }
  for (const standing of stuckIn(finding, trace))
    rows.stuck(standing, finding.kind === 'sleep-in-atomic' ? '... may sleep' : whyStuck(standing, trace, nameOf));
  if (finding.loopFrom !== null) rows.again(finding.loopFrom);
  const failing = failingStep(finding, trace);
  if (failing !== null) rows.wrong(failing, finding.fault.text);
  else if (finding.fault.sites.length === 0 || finding.kind === 'lock-held-at-exit') rows.result(finding.fault.text);
  return rows.all;
}

interface Stretch {
  readonly kept: boolean;
  readonly steps: readonly [TraceStep, ...TraceStep[]];
}

/** Kept steps one by one; the others together as far as one thread goes on, and not across the beginning of a loop. */
function stretchesOf(
  steps: readonly TraceStep[],
  keep: (step: TraceStep) => boolean,
  loopFrom: number | null,
): readonly Stretch[] {
  const stretches: { kept: boolean; steps: [TraceStep, ...TraceStep[]] }[] = [];
  for (const step of steps) {
    const last = stretches.at(-1);
    const kept = keep(step);
    if (last === undefined || kept || last.kept || last.steps[0].thread !== step.thread || step.index === loopFrom)
      stretches.push({ kept, steps: [step] });
    else last.steps.push(step);
  }
  return stretches;
}

/** The step that went wrong; null where it is a state or a loop that is wrong. */
export function failingStep({ fault }: Finding, { steps }: Trace): TraceStep | null {
  const last = steps.at(-1);
  return last?.splats.some(({ kind, text }) => kind === fault.kind && text === fault.text) === true ? last : null;
}

/** The threads that the finding says cannot go on, and that indeed do not. */
function stuckIn(finding: Finding, trace: Trace): readonly Standing[] {
  if (failingStep(finding, trace) !== null) return [];
  return whoIsStuck(finding, trace).filter(
    ({ blocked, next }) => (blocked || finding.kind === 'sleep-in-atomic') && next !== null,
  );
}

function whyStuck({ thread, next, object }: Standing, { standing }: Trace, nameOf: NameOf): string {
  const holders = standing.filter((other) => object !== null && other.held.includes(object));
  const subject = subjectOf(next ?? '');
  const what = `... waits for ${subject.endsWith('()') ? `a wake-up at ${plainName(object ?? '')}` : subject}`;
  if (holders.length === 0) return `${what}, for ever`;
  return `${what}, held by ${holders.map((holder) => (holder.thread === thread ? 'itself' : nameOf(holder.thread))).join(', ')}`;
}

class Rows {
  readonly all: Row[] = [];
  private readonly open = new Map<string, { readonly call: number; readonly calls: readonly Open[] }>();

  step(step: TraceStep, marked: boolean): void {
    const calls = opened(step);
    this.enter(step.thread, step.call, calls);
    this.all.push({ kind: 'step', thread: step.thread, depth: calls.length, step, spoken: speak(step), marked });
  }

  /** @param next the step of the thread that is shown next: the elision stands in the call that both are in */
  elide(steps: readonly [TraceStep, ...TraceStep[]], next: TraceStep | undefined): void {
    const [first] = steps;
    const others = next?.call === first.call ? [...steps, next] : steps;
    const common = others.every(({ call }) => call === first.call) ? others.map(opened).reduce(commonStart) : [];
    // One line for one step: what it is, unless it would take a line for the call it is in as well.
    if (steps.length === 1 && (common.length === opened(first).length || this.isOpenAround(first)))
      return this.step(first, false);
    this.enter(first.thread, first.call, common);
    this.all.push({ kind: 'elided', thread: first.thread, depth: common.length, says: `[... ${count(steps.length, 'step')}]` });
  }

  stuck({ thread, functions, next }: Standing, waits: string): void {
    const calls = aroundIts(functions, next ?? '').map((name) => ({ name, site: null }));
    this.enter(thread, this.open.get(thread)?.call ?? 0, calls);
    this.all.push({ kind: 'stuck', thread, depth: calls.length, says: ascii(next ?? ''), waits });
  }

  wrong(step: TraceStep, text: string): void {
    this.all.push({
      kind: 'wrong',
      thread: step.thread,
      depth: opened(step).length,
      says: step.c.includes(text) ? '' : ascii(text),
    });
  }

  loop(): void {
    this.all.push({ kind: 'loop' });
  }

  again(from: number): void {
    this.all.push({ kind: 'again', from });
  }

  result(says: string): void {
    this.all.push({ kind: 'result', says: ascii(says) });
  }

  private isOpenAround(step: TraceStep): boolean {
    const known = this.open.get(step.thread);
    const calls = opened(step);
    return known?.call === step.call && commonStart(known.calls, calls).length === calls.length;
  }

  private enter(thread: string, call: number, calls: readonly Open[]): void {
    const known = this.open.get(thread);
    const common = known?.call === call ? commonStart(known.calls, calls) : [];
    for (const [depth, { name }] of calls.entries())
      if (depth >= common.length) this.all.push({ kind: 'enter', thread, depth, says: `${name}()` });
    this.open.set(thread, { call, calls });
  }
}
