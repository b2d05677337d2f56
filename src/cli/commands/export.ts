/** `interlock export`: what a search has learned of a variant, as a model for another checker. */
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { explore, type Explored } from '../../explore/plain-search.ts';
import { observe } from '../../export/observed.ts';
import { promela } from '../../export/promela.ts';
import { count } from '../../reporters/layout.ts';
import { Program } from '../../tables/program.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { onInterrupt } from '../interrupt.ts';
import { oneVariant, type OneVariant } from '../one-variant.ts';
import { ProgressLine } from '../progress-line.ts';
import type { Terminal } from '../terminal.ts';
import { writeOutput } from '../write-output.ts';

export interface ExportCommand {
  readonly variant: string | null;
  /** Null for stdout. */
  readonly output: string | null;
  readonly maxStates: number;
}

/** @throws ModelError if the search does not come to an end within the bound, or the file cannot be written */
export async function exportVariant(terminal: Terminal, word: string, command: ExportCommand): Promise<ExitCode> {
  const chosen = await oneVariant(word, command.variant);
  const name = `${chosen.scenario.name}/${chosen.name}`;
  const observed = observe(await explored(terminal, chosen, name, command.maxStates), chosen.variant);
  const file = command.output ?? 'model.pml';
  const { text, findings } = promela(observed, { name, file: basename(file) });
  if (command.output === null) terminal.print([text.trimEnd()]);
  else {
    writeOutput(command.output, text);
    const met = [
      count(observed.states, 'state'),
      count(observed.ends, 'end'),
      count(observed.deadlocks, 'deadlocked end'),
      count(findings.length, 'assertion'),
    ];
    terminal.print([`${command.output}: ${name}, ${met.join(', ')}; how to run it stands on top`]);
  }
  return EXIT.asExpected;
}

async function explored(terminal: Terminal, { variant }: OneVariant, name: string, maxStates: number): Promise<Explored> {
  const interrupt = onInterrupt(terminal);
  const progress = new ProgressLine(terminal.isWatched, 1);
  progress.begin(name);
  try {
    const search = explore(new Program(variant), variant, { maxStates });
    for (let turn = search.next(); ; turn = search.next(interrupt.reason)) {
      if (turn.done) return turn.value;
      progress.update(name, turn.value);
      await setImmediate();
    }
  } finally {
    progress.end(name);
    interrupt.end();
  }
}
