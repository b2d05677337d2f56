/** An order of locks becomes a finding: with a run on which it shows, confirmed on the live actors, where one run shows all of it. */
import { countPreemptions } from '../../explore/best-search.ts';
import type { Choice } from '../../explore/choice.ts';
import type { Fault, Site } from '../../explore/judge.ts';
import { blocks } from '../../model/held.ts';
import { whatIsLeftOut } from '../../model/leave-out.ts';
import type { Position, Program } from '../../tables/program.ts';
import { confirm } from '../confirm.ts';
import { moversIn, named, scheduleOf, type Subject } from '../describe.ts';
import type { Finding } from '../finding.ts';
import type { Attempt } from '../../locks/lock-edges.ts';
import type { Pattern } from './patterns.ts';

export interface OrderRun {
  readonly choices: readonly Choice[];
  readonly proven: boolean;
  /** Those that wait for each other at its end. */
  readonly threads: readonly number[];
}

/** @param run null where no run shows all of it */
export async function describeOrder(
  subject: Subject,
  pattern: Pattern,
  run: OrderRun | null,
  verdict: string | null,
): Promise<Finding> {
  const { program, judge, variant } = subject;
  const { shape, text, object, between } = pattern;
  const bare: Fault = { id: -1, kind: 'lock-order', object, text, prints: pattern.prints, sites: [], reads: [] };
  const choices = run === null ? [] : finished(program, run);
  const shown = shownOn(program, pattern, choices);
  const name = named(subject, bare, { between, marked: shown.marked });
  const links = pattern.links(shown.attempts);
  const found = {
    ...name,
    message: verdict === null ? text : `${text}: ${verdict}`,
    order: { shape, links, verdict },
    loopFrom: null,
    without: whatIsLeftOut(variant),
    symptom: null,
    serial: null,
  };
  if (run === null) return { ...found, threads: [], preemptions: 0, proven: false, schedule: null, trace: null };
  const { live, state } = await confirm(program, variant, choices);
  const sites = run.threads.map((thread): Site => judge.siteOf(program.position(state, thread)));
  return {
    ...found,
    fault: { ...bare, sites },
    threads: moversIn(program, live),
    preemptions: countPreemptions(program, choices),
    proven: run.proven,
    schedule: scheduleOf(subject, name.id, live, null),
    trace: live,
  };
}

/** The run, and as its last step the acquire before which it ends, if that can be taken. */
function finished(program: Program, { choices, threads }: OrderRun): readonly Choice[] {
  const last = choices.at(-1);
  if (last === undefined || threads.length > 0) return choices;
  const state = program.initial();
  const next = state.slice();
  for (const choice of choices) {
    program.choose(state, choice, next);
    state.set(next);
  }
  const way = acquiringWay(program, program.position(state, last.thread));
  return way !== null && program.choose(state, { thread: last.thread, way }, next)
    ? [...choices, { thread: last.thread, way }]
    : choices;
}

function acquiringWay(program: Program, { firstWay, ways }: Position): number | null {
  const way = program.ways
    .slice(firstWay, firstWay + ways)
    .findIndex(({ means }) => means.some((each) => each !== undefined && blocks(each)));
  return way < 0 ? null : way;
}

/** For each step of the pattern the last attempt on the run, or any where there is no run; and which steps of the run they are. */
function shownOn(program: Program, { steps }: Pattern, choices: readonly Choice[]) {
  const attempts = steps.map(([any]) => any as Attempt);
  const marked = steps.map((): number | null => null);
  const state = program.initial();
  const next = state.slice();
  const look = (thread: number, step: number | null) => {
    const id = state[program.slots + thread] as number;
    for (const [i, those] of steps.entries()) {
      const attempt = those.find((each) => each.id === id);
      if (attempt === undefined) continue;
      attempts[i] = attempt;
      marked[i] = step;
    }
  };
  for (const [i, choice] of choices.entries()) {
    look(choice.thread, i + 1);
    program.choose(state, choice, next);
    state.set(next);
  }
  for (let thread = 0; thread < program.threads; thread++) look(thread, null);
  return { attempts, marked: marked.filter((step) => step !== null).toSorted((a, b) => a - b) };
}
