/** The orders of locks that one run shows by itself. */
import type { Choice } from '../../explore/choice.ts';
import type { Program } from '../../tables/program.ts';
import type { Subject } from '../describe.ts';
import type { Finding } from '../finding.ts';
import { describeOrder } from './describe-order.ts';
import { patternsOf } from './patterns.ts';

export async function lockOrdersOn(subject: Subject, choices: readonly Choice[]): Promise<readonly Finding[]> {
  const { program } = subject;
  const { positions, state } = metOn(program, choices);
  const findings: Finding[] = [];
  for (const pattern of patternsOf(program, positions)) {
    const threads = pattern.waits(state);
    const run = { choices, proven: false, threads: threads ?? [] };
    findings.push(await describeOrder(subject, pattern, run, threads === null ? null : 'confirmed'));
  }
  return findings;
}

/** Where the threads have stood, and the state in the end. */
function metOn(program: Program, choices: readonly Choice[]) {
  const state = program.initial();
  const next = state.slice();
  const positions = new Set(state.subarray(program.slots, program.slots + program.threads));
  for (const choice of choices) {
    program.choose(state, choice, next);
    state.set(next);
    positions.add(state[program.slots + choice.thread] as number);
  }
  return { positions, state };
}
