/** Explores the variants of a scenario without each lock, reference and check in turn, and says how far it has come. */
import type { LoadBearing } from '../edits/element.ts';
import { loadBearing } from '../edits/load-bearing.ts';
import type { Listed } from './catalogue.ts';
import { onInterrupt } from './interrupt.ts';
import { LaboratoryPool } from './laboratory-pool.ts';
import type { Terminal } from './terminal.ts';

const STOP_LOOKS_MS = 100;
const CLEAR = '\r\u001b[2K';

/** @param atOnce how many at a time; null for as many as there are cores */
export async function tryWithout(
  terminal: Terminal,
  { scenario, file, shipped }: Listed,
  variants: readonly string[],
  atOnce: number | null,
): Promise<LoadBearing> {
  const interrupt = onInterrupt(terminal);
  const pool = new LaboratoryPool({ file, shipped }, atOnce ?? undefined);
  const say = (text: string) => {
    if (terminal.isWatched) process.stderr.write(`${CLEAR}${text}`);
  };
  const looks = setInterval(() => {
    if (interrupt.reason !== null) pool.interrupt();
  }, STOP_LOOKS_MS);
  try {
    return await loadBearing(scenario, pool, {
      variants,
      reason: () => interrupt.reason,
      onProgress: ({ done, of }) => say(`${scenario.name}: ${done} of ${of} changes tried`),
    });
  } finally {
    clearInterval(looks);
    say('');
    interrupt.end();
    await pool.close();
  }
}
