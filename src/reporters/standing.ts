/** Where each thread stands when a run is over. */
import { plainName } from '../model/names.ts';
import type { Standing, Trace } from '../trace/trace.ts';
import { wrap } from './layout.ts';

export function standingText({ standing }: Pick<Trace, 'standing'>): readonly string[] {
  const longest = Math.min(20, Math.max(0, ...standing.map(({ thread }) => thread.length)));
  return [
    'Where each thread stands:',
    ...standing.flatMap((each) => {
      const begin = `  ${each.thread.padEnd(longest)}  `;
      return wrap(`${where(each, standing)}${holding(each)}`, begin, ' '.repeat(begin.length));
    }),
  ];
}

function where({ status, functions, next, blocked, object }: Standing, all: readonly Standing[]): string {
  if (status === 'ended') return 'has ended';
  if (status === 'stopped') return 'was stopped by an oops or a BUG';
  const inside = functions.length === 0 ? '' : ` in ${functions.join('() > ')}()`;
  if (!blocked) return `could go on with ${next ?? 'nothing'}${inside}`;
  const holders = all.filter(({ held }) => object !== null && held.includes(object)).map(({ thread }) => thread);
  return `waits at ${next ?? 'nothing'}${inside}${holders.length === 0 ? '' : `, held by ${holders.join(', ')}`}`;
}

const holding = ({ held }: Standing): string => (held.length === 0 ? '' : `; holds ${held.map(plainName).join(', ')}`);
