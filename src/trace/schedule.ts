/**
 * A schedule as text: which thread runs how many steps, up to which step. It is short enough for a mail and says enough
 * to notice that the model has changed. White space of any kind separates, `>` of a quoting mail is skipped.
 *
 *     interlock/1 refcount-read-set/rfc refcount-1a2b3c4d
 *     without: registrar_b.2
 *     registrar_a 7 refcount_read(device.refcount)
 *     user 12 wait_for_completion(device.comp)=timeout
 *
 * It is for the variant as it stands, or without some of its calls: each `without:` is followed by one word, the name of
 * a thread that makes no call, or the name of a thread and which of its calls is left out, from 1. Each `edit:` is followed
 * by one word of JSON, which says how its kernel code is edited.
 */
import type { Edit } from '../model/edit.ts';
import { formatEdit, parseEdit } from '../model/edit-text.ts';
import { ModelError } from '../model/errors.ts';
import type { Trace } from './trace.ts';

export const FORMAT = 'interlock/1';

/** A thread takes `steps` steps, the last of which is `last`. Within a run no step offers more than one way. */
export interface Run {
  readonly thread: string;
  readonly steps: number;
  /** `event(object)`, and `=way` where the step offers several. */
  readonly last: string;
}

export interface Schedule {
  readonly scenario: string;
  readonly variant: string;
  /** The finding to which it leads, where it is known. */
  readonly finding: string | null;
  /** What is left out of the variant: `user`, a whole thread; `registrar_b.2`, its second call. */
  readonly without: readonly string[];
  /** What its kernel code is edited by, if it is. */
  readonly edits?: readonly Edit[];
  readonly runs: readonly Run[];
  /** The runs from here on come round for ever; null if the schedule ends. */
  readonly loop: number | null;
}

const LOOP = 'loop:';
const WITHOUT = 'without:';
const EDIT = 'edit:';

/** One word, for words are what white space separates: the name of a way may be several. */
export const nameStep = (event: string, object: string, way: string | null): string =>
  `${event}(${object})${way === null ? '' : `=${way}`}`.replaceAll(/\s/g, '%20');

/** @param loopFrom the step, from 1, at which the loop begins, if there is one */
export function runsOf({ steps }: Pick<Trace, 'steps'>, loopFrom: number | null = null): Pick<Schedule, 'runs' | 'loop'> {
  const runs: { thread: string; steps: number; last: string }[] = [];
  let loop: number | null = null;
  let broken = true;
  for (const { index, thread, event, object, way } of steps) {
    if (index === loopFrom) {
      loop = runs.length;
      broken = true;
    }
    const run = runs.at(-1);
    const last = nameStep(event.type, object, way);
    if (broken || run === undefined || run.thread !== thread) runs.push({ thread, steps: 1, last });
    else Object.assign(run, { steps: run.steps + 1, last });
    broken = way !== null;
  }
  return { runs, loop };
}

export const formatSchedule = ({ scenario, variant, finding, without, edits = [], runs, loop }: Schedule): string =>
  [
    `${FORMAT} ${scenario}/${variant}${finding === null ? '' : ` ${finding}`}`,
    ...without.map((what) => `${WITHOUT} ${what}`),
    ...edits.map((edit) => `${EDIT} ${formatEdit(edit)}`),
    ...runs.flatMap(({ thread, steps, last }, i) => [...(i === loop ? [LOOP] : []), `${thread} ${steps} ${last}`]),
    '',
  ].join('\n');

/** Whether a word on the command line is a schedule and not a file that holds one. */
export const looksLikeSchedule = (text: string): boolean => /^[\s>]*interlock\/\d+\s/.test(text);

/** @throws ModelError if the text is no schedule, or one of another version */
export function parseSchedule(text: string): Schedule {
  const words = text.split(/\s+/).filter((word) => !/^[>|;]*$/.test(word));
  const [format, design, ...rest] = words;
  const next = `a schedule begins with "${FORMAT} scenario/variant", then "thread steps last-step" as often as it takes`;
  if (format === undefined || !/^interlock\/\d+$/.test(format)) throw new ModelError('This is not a schedule', next);
  if (format !== FORMAT)
    throw new ModelError(`This is a schedule of format ${format}; this version reads ${FORMAT}`, 'check the scenario again');
  const [, scenario, variant] = /^(.+)\/([^/]+)$/.exec(design ?? '') ?? [];
  if (scenario === undefined || variant === undefined)
    throw new ModelError(`The schedule names no scenario and variant: "${design ?? ''}"`, next);
  const finding =
    rest[0] !== undefined && ![LOOP, WITHOUT, EDIT].includes(rest[0]) && !/^\d+$/.test(rest[1] ?? '')
      ? (rest.shift() ?? null)
      : null;
  const without: string[] = [];
  while (rest[0] === WITHOUT) {
    const [, what] = rest.splice(0, 2);
    if (what === undefined)
      throw new ModelError('The schedule does not say what it is without', `"${WITHOUT} thread" or "${WITHOUT} thread.2"`);
    without.push(what);
  }
  const edits: Edit[] = [];
  while (rest[0] === EDIT) {
    const [, edit] = rest.splice(0, 2);
    edits.push(parseEdit(edit ?? ''));
  }
  const runs: Run[] = [];
  let loop: number | null = null;
  for (let i = 0; i < rest.length; ) {
    if (rest[i] === LOOP) {
      loop = runs.length;
      i++;
      continue;
    }
    const [thread, steps, last] = rest.slice(i, i + 3);
    if (
      thread === undefined ||
      steps === undefined ||
      last === undefined ||
      !/^[1-9]\d*$/.test(steps) ||
      !/\)(=\S+)?$/.test(last)
    )
      throw new ModelError(`The schedule cannot be read at "${rest.slice(i, i + 3).join(' ')}"`, next);
    runs.push({ thread, steps: Number(steps), last });
    i += 3;
  }
  if (runs.length === 0) throw new ModelError('The schedule has no steps', next);
  return { scenario, variant, finding, without, ...(edits.length === 0 ? {} : { edits }), runs, loop };
}
