/**
 * The guarded counter for Spin, written by hand, in four forms: how much its reduction leaves out depends on the form.
 *
 * `loop`: as one writes it, two rounds in a loop and the flags in a global array. What was read is reset in the step that
 * writes it back, where it is dead: kept, it makes 12.5 million states of N = 5, and N = 7 does not finish.
 * `unrolled`: the rounds one after the other, so that no state tells of the loop itself.
 * `private`: unrolled, and each flag a local of its process. To Spin a step on a global is never independent of the others,
 * and a step on a local always is. So the model says beforehand what a search is to find out: that nobody else touches it.
 *
 * `forgotten`: unrolled, and what was read is reset with the flag, as our calls forget it when they return. It has nearly
 * our states (1,683,522 for N = 5 where we have 1,507,565: its processes die one after the other), so it shows what a
 * state costs when nothing is reduced. To reset it at once leaves 100,842.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder, run } from './process.ts';

export const FORMS = ['loop', 'unrolled', 'private', 'forgotten'] as const;
export type Form = (typeof FORMS)[number];

export function guardedCounterInPromela(form: Form, threads: number): string {
  const flag = form === 'private' ? 'own' : 'own[_pid]';
  const round = [
    `${flag} = true`,
    'atomic { !locked -> locked = true }',
    't = x',
    form === 'forgotten' ? 'x = t + 1' : 'd_step { x = t + 1; t = 0 }',
    'locked = false',
    form === 'forgotten' ? `d_step { ${flag} = false; t = 0 }` : `${flag} = false`,
  ].join(';\n  ');
  const loop = `byte r;\n  do\n  :: r < 2 ->\n  ${round};\n  r++\n  :: else -> break\n  od`;
  return [
    ...(form === 'private' ? [] : [`bool own[${threads}];`]),
    'bool locked;',
    'byte x;',
    `active [${threads}] proctype thread() {`,
    `  byte t;${form === 'private' ? ' bool own;' : ''}`,
    `  ${form === 'loop' ? loop : `${round};\n  ${round}`}`,
    '}',
    '',
  ].join('\n');
}

const GCC = ['-O2', '-DSAFETY', '-DMEMLIM=20000', '-w'];
const PAN = ['-w26', '-m100000'];
const LIMIT = 300;

/** As they are printed under the table. */
export const commands = (reduced: boolean): string =>
  `spin -a; gcc ${[...GCC, ...(reduced ? [] : ['-DNOREDUCE'])].join(' ')}; pan ${PAN.join(' ')}`;

export interface Spun {
  readonly name: string;
  readonly states: number;
  readonly seconds: number;
}

/** The whole of it: making the checker, compiling it, running it. @returns null if it does not finish in 20 GB and 5 minutes */
export function spin(model: string, name: string, reduced: boolean): Promise<Spun | null> {
  return inFolder(async (folder) => {
    writeFileSync(join(folder, 'model.pml'), model);
    const made = await run('spin', ['-a', 'model.pml'], folder);
    const compiled = await run('gcc', [...GCC, ...(reduced ? [] : ['-DNOREDUCE']), '-o', 'pan', 'pan.c'], folder);
    if (made.code !== 0 || compiled.code !== 0) throw new Error(`Spin does not take the model "${name}":\n${made.out}`);
    const ran = await run(join(folder, 'pan'), PAN, folder, LIMIT);
    const states = /^\s*(\d+) states, stored/m.exec(ran.out)?.[1];
    if (ran.code !== 0 || states === undefined || /Search not completed|search depth too small/.test(ran.out)) return null;
    return { name, states: Number(states), seconds: made.seconds + compiled.seconds + ran.seconds };
  });
}
