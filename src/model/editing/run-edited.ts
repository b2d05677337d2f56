/** A rule between the code and its thread: it is asked at each step, and told of each loop. */
import { decode, encode, type Mark, type Operation, type Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import { resumeCode, resumeWithPlace, runsWithoutPlaces } from '../stack.ts';
import { noProgram, type Rule } from './rule.ts';

export function* runEdited<R>(make: () => Operation<R>, rule: Rule): Operation<R> {
  const code = make();
  const past = new Past(make);
  for (let next = resumeCode(code, null); ; ) {
    if (next.done) {
      if (rule.end !== undefined) yield* rule.end();
      return next.value;
    }
    const answer =
      'step' in next.value
        ? yield* rule.step(past.placed(next.value), (...heard) => past.ahead(heard))
        : yield* passed(next.value, rule, past);
    past.heard.push(answer);
    next = resumeCode(code, answer);
  }
}

function* passed(mark: Mark, rule: Rule, past: Past): Operation<Json> {
  if (mark.mark === 'task-work') return yield mark;
  if (rule.loop !== undefined) yield* rule.loop(mark.mark, past.loops.length, () => past.after(mark));
  const state = JSON.stringify(rule.state ?? null);
  if (mark.mark === 'loop') past.loops.push({ at: past.heard.length, state });
  if (mark.mark === 'leave') past.loops.pop();
  if (mark.mark === 'again') past.goRound(state);
  return yield mark;
}

/** What the code has heard so far, like the log of its thread: of a loop only the last turn. */
class Past {
  readonly heard: Json[] = [];
  readonly loops: { readonly at: number; readonly state: string }[] = [];
  private readonly make: () => Operation<unknown>;

  constructor(make: () => Operation<unknown>) {
    this.make = make;
  }

  /** The next step, if the code hears this of the present one and of those that come then. */
  ahead(more: readonly Json[]): Step | null {
    return this.stepAfter([...this.heard, ...more]);
  }

  /** To note the place of each step costs more than all the rest: where that is not done, it is found out for those that matter. */
  placed(step: Step): Step {
    if (!runsWithoutPlaces()) return step;
    const heard = [...this.heard];
    let stack: string | null = null;
    const found = () => (stack ??= this.stepAfter(heard)?.stack ?? '');
    return {
      step: step.step,
      get stack() {
        return found();
      },
    };
  }

  private stepAfter(heard: readonly Json[]): Step | null {
    const code = this.make();
    // The first that a generator is told goes to nobody.
    const told = [null, ...heard];
    for (const answer of told.slice(0, -1)) resumeCode(code, answer);
    const next = resumeWithPlace(code, told.at(-1) ?? null);
    return !next.done && 'step' in next.value ? next.value : null;
  }

  /** What the code does when it has been told that the loop goes on, or is over. */
  after(mark: Exclude<Mark, { readonly mark: 'task-work' }>): Step | null {
    return this.ahead([mark.mark === 'leave' ? null : (decode(encode(mark.state)) as Json)]);
  }

  goRound(state: string): void {
    const loop = this.loops.at(-1);
    if (loop === undefined) return;
    if (loop.state !== state) throw noProgram('a loop goes round with what it did not have when it began, or without it');
    this.heard.length = loop.at;
  }
}
