/** Takes the choices of the compiled run one by one: how a finding is confirmed. */
import { InternalError } from '../../model/errors.ts';
import type { Strategy } from '../scheduler.ts';

export function given(choices: readonly { readonly thread: string; readonly way: number }[]): Strategy {
  let at = 0;
  return {
    name: 'given',
    choose(options) {
      const wanted = choices[at++];
      if (wanted === undefined) return null;
      const option = options.find(({ thread, way }) => thread === wanted.thread && way === wanted.way);
      if (option !== undefined) return option;
      const can = options.map(({ thread, c }) => `${thread}: ${c}`).join(', ') || 'nobody';
      throw new InternalError(
        `Step ${at}: the tables let ${wanted.thread} go on (way ${wanted.way}), the live actors let ${can}`,
      );
    },
  };
}
