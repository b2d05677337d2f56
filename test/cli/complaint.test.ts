import test from 'ava';
import { complain } from '../../src/cli/complaint.ts';
import { EXIT, type ExitCode, worst } from '../../src/cli/exit.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { InternalError, ModelError } from '../../src/index.ts';
import { plain } from '../../src/reporters/layout.ts';

const complaintAbout = (error: unknown): { readonly code: ExitCode; readonly said: string } => {
  const said: string[] = [];
  const terminal: Terminal = {
    paint: plain,
    isWatched: false,
    isInteractive: false,
    print: () => {},
    warn: (lines) => void said.push(...lines),
  };
  return { code: complain(terminal, error, 'toy/bare (toy.ts)'), said: said.join('\n') };
};

test('a fault of a scenario says what is wrong, where, and what to do', (t) => {
  t.deepEqual(complaintAbout(new ModelError('A pool is exhausted', 'give it more')), {
    code: EXIT.wrongUse,
    said: 'interlock: toy/bare (toy.ts): A pool is exhausted\nNext: give it more',
  });
});

test('a fault of the checker itself begins in words of its own, and is no finding', (t) => {
  for (const error of [
    new InternalError('the tables say 1, the live actors 2'),
    new TypeError('x is not a function'),
    'a string',
  ]) {
    const { code, said } = complaintAbout(error);
    t.is(code, EXIT.internal);
    t.true(said.startsWith('interlock: internal error: toy/bare (toy.ts): '));
    t.true(said.includes('no finding'));
    t.notRegex(said, /^ {4}at /m);
  }
});

test('where several exit codes hold it is 4, then 2, 1, 3, 0', (t) => {
  const order: readonly ExitCode[] = [4, 2, 1, 3, 0];
  for (const [i, code] of order.entries()) t.is(worst(order.slice(i).toReversed()), code);
  t.is(worst([]), 0);
});
