/** What a counterexample leaves out of the design, in a sentence. */
import { listed } from './layout.ts';

/** `thread user; the 2nd and 3rd calls of registrar_a`; null where nothing is left out */
export function leftOut(without: readonly string[]): string | null {
  if (without.length === 0) return null;
  const threads = without.filter((what) => !what.includes('.'));
  const calls = new Map<string, string[]>();
  for (const what of without) {
    const [, thread, nth] = /^(.*)\.(\d+)$/.exec(what) ?? [];
    if (thread !== undefined && nth !== undefined) calls.set(thread, [...(calls.get(thread) ?? []), ordinal(Number(nth))]);
  }
  return [
    ...(threads.length === 0 ? [] : [`${threads.length === 1 ? 'thread' : 'threads'} ${listed(threads)}`]),
    ...[...calls].map(([thread, nths]) => `the ${listed(nths)} ${nths.length === 1 ? 'call' : 'calls'} of ${thread}`),
  ].join('; ');
}

const ordinal = (n: number): string =>
  `${n}${['th', 'st', 'nd', 'rd'][n % 10 > 3 || Math.trunc(n / 10) % 10 === 1 ? 0 : n % 10] ?? 'th'}`;
