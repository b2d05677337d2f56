/** What an edit does to the code, as steps: those of the functions that it changes, before and after. */
import type { Finding } from '../../check/finding.ts';
import { LiveRun } from '../../live/live-run.ts';
import type { Strategy } from '../../live/scheduler.ts';
import type { Edit } from '../../model/edit.ts';
import { editVariant } from '../../model/edit-variant.ts';
import { leaveOut } from '../../model/leave-out.ts';
import type { Variant } from '../../model/scenario.ts';
import type { TraceStep } from '../../trace/trace.ts';

/** So many steps around what is changed. */
const AROUND = 2;
/** A run that loops shows all there is to see in so many steps. */
const MOST_STEPS = 400;

/** Of each thread that races, one after the other, as far as each goes by itself. */
export async function beforeAndAfter(variant: Variant, edits: readonly Edit[], finding: Finding): Promise<readonly string[]> {
  const design = leaveOut(variant, finding.without);
  const threads = finding.threads;
  const [before, after] = [await alone(design, threads), await alone(editVariant(design, edits), threads)];
  return threads.flatMap((thread) => {
    const [one, other] = [before, after].map((steps) => linesOf(steps.filter((step) => step.thread === thread)));
    const lines = shortened(difference(one as readonly string[], other as readonly string[]));
    return lines.length === 0 ? [] : [`${thread}:`, ...lines.map((line) => `  ${line}`)];
  });
}

/** The first thread as far as it goes, then the next; who was held up goes on as soon as it can. */
async function alone(variant: Variant, threads: readonly string[]): Promise<readonly TraceStep[]> {
  let left = MOST_STEPS;
  const inTurn: Strategy = {
    name: 'one after the other',
    choose: (options) => (left-- <= 0 ? null : (threads.flatMap((thread) => options.filter((option) => option.thread === thread))[0] ?? null)),
  };
  return (await new LiveRun(variant).run(inTurn)).steps;
}

/** Steps with the functions in which they stand, indented. */
function linesOf(steps: readonly TraceStep[]): readonly string[] {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const { functions, c } of steps) {
    const kept = functions.findIndex((name, depth) => name !== open[depth]);
    const from = kept < 0 ? functions.length : kept;
    for (const [depth, name] of functions.entries()) if (depth >= from) lines.push(`${'  '.repeat(depth)}${name}()`);
    lines.push(`${'  '.repeat(functions.length)}${c}`);
    open = functions;
  }
  return lines;
}

/** Lines of both, by the longest common subsequence. */
function difference(before: readonly string[], after: readonly string[]): readonly string[] {
  const common = before.map(() => new Uint16Array(after.length + 1));
  common.push(new Uint16Array(after.length + 1));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      (common[i] as Uint16Array)[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length)
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(`  ${before[i++]}`);
      j++;
    } else if (j < after.length && (i === before.length || at(i, j + 1) > at(i + 1, j))) lines.push(`+ ${after[j++]}`);
    else lines.push(`- ${before[i++]}`);
  return lines;
}

/** Only what is changed, with some lines around it and the functions in which it stands. */
function shortened(lines: readonly string[]): readonly string[] {
  const changed = lines.flatMap((line, i) => (line.startsWith(' ') ? [] : [i]));
  if (changed.length === 0) return [];
  const kept = lines.map((_, i) => changed.some((at) => Math.abs(at - i) <= AROUND));
  for (const at of changed) keepFunctions(lines, kept, at);
  return lines.flatMap((line, i) => (kept[i] ? [line] : kept[i - 1] || i === 0 ? ['  [...]'] : []));
}

const depthOf = (line: string): number => line.slice(2).search(/\S/);

function keepFunctions(lines: readonly string[], kept: boolean[], at: number): void {
  let depth = depthOf(lines[at] as string);
  for (let i = at - 1; i >= 0 && depth > 0; i--)
    if (depthOf(lines[i] as string) < depth) {
      depth = depthOf(lines[i] as string);
      kept[i] = true;
    }
}
