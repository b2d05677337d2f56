/**
 * What a fix does to the code, in the steps of the functions that it changes: as a patch would show it. The steps are those
 * of a run in which the threads go one after the other, the racing ones first.
 */
import { LiveRun } from '../../live/live-run.ts';
import type { Edit } from '../../model/edit.ts';
import type { Variant } from '../../model/scenario.ts';
import type { Sites } from '../sites.ts';
import { inTurn } from './one-after-the-other.ts';
import { type Line, patched } from './patch.ts';
import { stepsTaken, type Taken } from './steps-taken.ts';

/** So many steps around what is changed. */
const AROUND = 2;

/** @returns lines that begin with a space, `-` or `+`, below the name of each function that is changed */
export async function beforeAndAfter(
  variant: Variant,
  edits: readonly Edit[],
  threads: readonly string[],
  sites: Sites,
): Promise<readonly string[]> {
  const functions: Line[][] = [];
  for (const edit of edits) {
    const [key = ''] = placesOf(edit);
    if (functions.some((lines) => lines.some((line) => line.key === key))) continue;
    // Where one function takes locks that it is given, it is shown as it is called with others.
    const lines = await functionAround(variant, key, threads, edit.kind === 'hold' ? edit.take[0].object : null);
    if (lines !== null) functions.push(lines);
  }
  return functions.flatMap((lines) => {
    const after = edits.reduce<readonly Line[]>((known, edit) => patched(known, edit, sites), lines);
    return shortened(after);
  });
}

const placesOf = (edit: Edit): readonly string[] =>
  edit.kind === 'hold' ? [edit.from] : typeof edit.at === 'string' ? [edit.at] : edit.at.slice(0, 1);

/** The steps of the function in which the statement stands, from a run that comes by. */
async function functionAround(
  variant: Variant,
  key: string,
  threads: readonly string[],
  lock: string | null,
): Promise<Line[] | null> {
  const all = [...new Set([...threads, ...Object.keys(variant.threads)])];
  for (const first of all) {
    const { taken } = stepsTaken(
      variant,
      await new LiveRun(variant).run(inTurn([first, ...all.filter((thread) => thread !== first)])),
    );
    const here = taken.find(({ where, trace }) => where.key === key && (trace.object !== lock || trace.means.kind === 'release'));
    if (here !== undefined) return linesOf(taken, here, lock);
  }
  return null;
}

/** @param lock that is to be held: what the functions that are called do with it is shown, too */
function linesOf(taken: readonly Taken[], here: Taken, lock: string | null): Line[] {
  const scope = here.where.activations;
  const isInside = ({ trace, where }: Taken) =>
    trace.thread === here.trace.thread &&
    trace.call === here.trace.call &&
    scope.every((one, depth) => one === where.activations[depth]);
  const lines: Line[] = [{ key: null, sign: ' ', depth: 0, text: `${nameOf(scope.at(-1) ?? '')}()`, object: null, does: null }];
  let called = '';
  for (const one of taken.filter(isInside)) {
    const { activations, key } = one.where;
    const { c: text, object, means } = one.trace;
    const does = means.kind === 'acquire' || means.kind === 'release' ? means.kind : null;
    const callee = activations[scope.length] ?? '';
    if (callee === '') lines.push({ key, sign: ' ', depth: 1, text, object, does });
    else if (callee !== called)
      lines.push({ key: null, sign: ' ', depth: 1, text: `${nameOf(callee)}()`, object: null, does: null });
    called = callee;
    const within = activations.at(-1) ?? '';
    if (callee !== '' && does !== null && object === lock)
      lines.push({
        key: null,
        sign: ' ',
        depth: 2,
        text: within === callee ? text : `${text}, in ${nameOf(within)}()`,
        object,
        does,
      });
  }
  return lines;
}

const nameOf = (activation: string): string => activation.split(' ')[0] ?? '';

/** Only what is changed, with some lines around it. */
function shortened(lines: readonly Line[]): readonly string[] {
  const changed = lines.flatMap(({ sign }, i) => (sign === ' ' ? [] : [i]));
  const isKept = (i: number) => i === 0 || changed.some((at) => Math.abs(at - i) <= AROUND);
  if (changed.length === 0) return [];
  return lines.flatMap(({ sign, depth, text }, i) =>
    isKept(i) ? [`${sign} ${'  '.repeat(depth)}${text}`] : isKept(i - 1) ? ['    [...]'] : [],
  );
}
