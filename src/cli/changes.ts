/** Changes of the code of a scenario, tried side by side: what nothing needs, and what mends a finding. Says how far it has come. */
import type { Finding } from '../check/finding.ts';
import type { LoadBearing } from '../edits/element.ts';
import { findFixes } from '../edits/fixes/find-fixes.ts';
import type { FixSearch } from '../edits/fixes/fix.ts';
import { loadBearing } from '../edits/load-bearing.ts';
import type { Listed } from './catalogue.ts';
import { onInterrupt } from './interrupt.ts';
import { LaboratoryPool } from './laboratory-pool.ts';
import type { Terminal } from './terminal.ts';

const STOP_LOOKS_MS = 100;
const CLEAR = '\r\u001b[2K';

interface Session {
  readonly pool: LaboratoryPool;
  readonly reason: () => string | null;
  readonly say: (text: string) => void;
}

export interface ToMend {
  readonly variant: string;
  readonly finding: Finding;
}

/** Without each lock, reference and check in turn. @param atOnce how many at a time; null for as many as there are cores */
export const tryWithout = (
  terminal: Terminal,
  listed: Listed,
  variants: readonly string[],
  atOnce: number | null,
): Promise<LoadBearing> =>
  inThreads(terminal, listed, atOnce, ({ pool, reason, say }) =>
    loadBearing(listed.scenario, pool, {
      variants,
      reason,
      onProgress: ({ done, of }) => say(`${listed.scenario.name}: ${done} of ${of} changes tried`),
    }),
  );

/** Small changes that may mend each of the findings. */
export const tryToMend = (
  terminal: Terminal,
  listed: Listed,
  findings: readonly ToMend[],
  atOnce: number | null,
): Promise<readonly FixSearch[]> =>
  inThreads(terminal, listed, atOnce, async ({ pool, reason, say }) => {
    const workshop = pool.workshop(listed.scenario.name);
    const searches: FixSearch[] = [];
    for (const { variant, finding } of findings) {
      const onTried = (done: number, of: number) =>
        say(`${listed.scenario.name}: ${done} of ${of} possible fixes for ${finding.id}`);
      searches.push(await findFixes(workshop, variant, finding, { reason, onTried }));
    }
    return searches;
  });

async function inThreads<R>(
  terminal: Terminal,
  { file, shipped }: Listed,
  atOnce: number | null,
  work: (session: Session) => Promise<R>,
): Promise<R> {
  const interrupt = onInterrupt(terminal);
  const pool = new LaboratoryPool({ file, shipped }, atOnce ?? undefined);
  const say = (text: string) => {
    if (terminal.isWatched) process.stderr.write(`${CLEAR}${text}`);
  };
  const looks = setInterval(() => {
    if (interrupt.reason !== null) pool.interrupt();
  }, STOP_LOOKS_MS);
  try {
    return await work({ pool, reason: () => interrupt.reason, say });
  } finally {
    clearInterval(looks);
    say('');
    interrupt.end();
    await pool.close();
  }
}
