/** Ctrl-C: the search stops and says how far it came. A second one quits at once, as nothing catches it any more. */
import type { Terminal } from './terminal.ts';

export interface Interrupt {
  /** Null as long as nobody wants to stop. */
  readonly reason: string | null;
  end(): void;
}

export function onInterrupt(terminal: Terminal): Interrupt {
  let reason: string | null = null;
  const stop = () => {
    reason = 'interrupted';
    terminal.warn(['', 'interlock: stopping; once more quits at once']);
  };
  process.once('SIGINT', stop);
  return {
    get reason() {
      return reason;
    },
    end: () => void process.off('SIGINT', stop),
  };
}
