/** Asks who goes next. */
import { createInterface } from 'node:readline/promises';
import type { Option, Strategy } from '../live/scheduler.ts';
import { ModelError } from '../model/errors.ts';
import type { Terminal } from './terminal.ts';

/** @throws ModelError if nobody is there to be asked */
export function byHand(terminal: Terminal): Strategy {
  if (!terminal.isInteractive)
    throw new ModelError('By hand, somebody has to be asked, and this is no terminal', '--strategy random --seed N');
  return { name: 'by hand', choose: (options, last) => ask(terminal, options, last) };
}

async function ask(terminal: Terminal, options: readonly Option[], last: string | null): Promise<Option | null> {
  const usual = options.findIndex(({ thread }) => thread === last);
  terminal.warn(options.map((option, i) => `${i === usual ? '>' : ' '} ${i + 1}  ${spell(option)}`));
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  // The end of input is an answer, too: readline would wait for ever.
  reader.once('close', () => closed.abort());
  try {
    for (;;) {
      const answer = (await reader.question(prompt(options, usual), { signal: closed.signal })).trim();
      if (answer === 'q') return null;
      const choice = options[answer === '' ? Math.max(0, usual) : Number(answer) - 1];
      if (choice !== undefined) return choice;
    }
  } catch (error) {
    if (closed.signal.aborted) return null;
    throw error;
  } finally {
    reader.close();
  }
}

const spell = ({ thread, c, wayName, hasOtherWays }: Option): string => `${thread}: ${c}${hasOtherWays ? `  (${wayName})` : ''}`;

const prompt = (options: readonly Option[], usual: number): string =>
  `Who goes next? 1 to ${options.length}, enter for ${Math.max(0, usual) + 1}, q to stop: `;
