import test from 'ava';
import type { Finding } from '../../src/index.ts';
import { type Row, rowsOf } from '../../src/reporters/rows.ts';
import type { Standing, Trace, TraceStep } from '../../src/trace/trace.ts';

interface Step {
  readonly by: string;
  /** `caller>callee@site`: a function may say where it was called. */
  readonly in: string;
  readonly c: string;
  readonly on?: string;
  readonly kind?: TraceStep['means']['kind'];
  readonly splat?: string;
}

const stepOf = ({ by, in: path, c, on = 'elsewhere', kind = 'update', splat }: Step, at: number): TraceStep => {
  const calls = path.split('>').map((call) => call.split('@'));
  return {
    index: at + 1,
    thread: by,
    operation: calls[0]?.[0] ?? '',
    call: 0,
    functions: calls.map(([name = '']) => name),
    callSites: calls.map(([, site = '']) => site),
    place: null,
    object: on,
    event: { type: c.split('(')[0] ?? c },
    means: { kind },
    also: [],
    c,
    way: null,
    reply: null,
    splats: splat === undefined ? [] : [{ kind: 'warn', text: splat, prints: null, object: on }],
    stops: false,
    changes: [],
    held: [],
    preempts: false,
    hadChoice: false,
  };
};

const standingOf = (thread: string, more: Partial<Standing> = {}): Standing => ({
  thread,
  kind: 'task',
  status: 'ended',
  functions: [],
  next: null,
  object: null,
  event: null,
  blocked: false,
  held: [],
  ...more,
});

interface Drawn {
  readonly object: string;
  readonly standing?: readonly Standing[];
  readonly allSteps?: boolean;
  readonly finding?: Partial<Finding>;
}

/** The rows as text, indented by their depth. */
function drawn(steps: readonly Step[], { object, standing = [], allSteps = false, finding = {} }: Drawn): readonly string[] {
  const trace: Trace = { steps: steps.map(stepOf), standing };
  const about = {
    kind: 'warn',
    object,
    threads: [],
    pair: { between: null, marked: [] },
    loopFrom: null,
    fault: { kind: 'warn', text: 'it is wrong', sites: [{ thread: 'a', object }] },
    ...finding,
  } as unknown as Finding;
  return rowsOf(about, trace, { allSteps, nameOf: (thread) => thread }).map(textOf);
}

function textOf(row: Row): string {
  if (row.kind === 'loop') return 'loop:';
  if (row.kind === 'again') return `again from ${row.from}`;
  if (row.kind === 'result') return `=> ${row.says}`;
  const says = row.kind === 'step' ? row.spoken.says : row.kind === 'stuck' ? `${row.says} ${row.waits}` : row.says;
  return `${row.thread}: ${'  '.repeat(row.depth)}${says}`;
}

test('a function is entered once for all steps in it, and calls in it stand further in', (t) => {
  t.deepEqual(
    drawn(
      [
        { by: 'a', in: 'open', c: 'one()' },
        { by: 'a', in: 'open>get', c: 'two()' },
        { by: 'b', in: 'close', c: 'three()' },
        { by: 'a', in: 'open>get', c: 'four()' },
        { by: 'a', in: 'open', c: 'five()' },
      ],
      { object: 'x', allSteps: true },
    ),
    ['a: open()', 'a:   one()', 'a:   get()', 'a:     two()', 'b: close()', 'b:   three()', 'a:     four()', 'a:   five()'],
  );
});

test('a second call of the same function, from another line, is entered again', (t) => {
  t.deepEqual(
    drawn(
      [
        { by: 'a', in: 'open>put@7', c: 'one()' },
        { by: 'a', in: 'open>put@7', c: 'two()' },
        { by: 'a', in: 'open>put@8', c: 'three()' },
      ],
      { object: 'x', allSteps: true },
    ),
    ['a: open()', 'a:   put()', 'a:     one()', 'a:     two()', 'a:   put()', 'a:     three()'],
  );
});

test('a primitive that is a function itself is not entered: its step says it', (t) => {
  t.deepEqual(drawn([{ by: 'a', in: 'open>wait_for_it', c: 'wait_for_it(&x): time is up' }], { object: 'x', allSteps: true }), [
    'a: open()',
    'a:   wait_for_it(&x): time is up',
  ]);
});

test('what does not concern the object is elided, in the call that it shares with the next step that is shown', (t) => {
  t.deepEqual(
    drawn(
      [
        { by: 'a', in: 'open', c: 'one()' },
        { by: 'a', in: 'open>get>deep', c: 'two()' },
        { by: 'a', in: 'open>get', c: 'three()', on: 'x' },
        { by: 'a', in: 'open', c: 'four()' },
        { by: 'b', in: 'close', c: 'five()' },
        { by: 'b', in: 'close', c: 'six()' },
      ],
      { object: 'x' },
    ),
    ['a: open()', 'a:   [... 2 steps]', 'a:   get()', 'a:     three()', 'a:   four()', 'b: close()', 'b:   [... 2 steps]'],
  );
});

test('a lock that two threads take is shown, but not around what is elided altogether', (t) => {
  const section = (by: string, on: string): readonly Step[] => [
    { by, in: 'f', c: 'lock(&l)', on: 'l', kind: 'acquire' },
    { by, in: 'f', c: `access(&${on})`, on },
    { by, in: 'f', c: 'again()' },
    { by, in: 'f', c: 'unlock(&l)', on: 'l', kind: 'release' },
  ];
  t.deepEqual(drawn([...section('a', 'x'), ...section('b', 'y')], { object: 'x' }), [
    'a: f()',
    'a:   lock(&l)',
    'a:   access(&x)',
    'a:   again()',
    'a:   unlock(&l)',
    'b: f()',
    'b:   [... 4 steps]',
  ]);
});

test('of a struct that is used after it was freed, a field that one thread wrote and another read is shown', (t) => {
  const steps: readonly Step[] = [
    { by: 'a', in: 'register', c: 's->minor = 0', on: 's.minor', kind: 'write' },
    { by: 'a', in: 'register', c: 's->name = 1', on: 's.name', kind: 'write' },
    { by: 'a', in: 'register', c: 'one()' },
    { by: 'b', in: 'register', c: 's->minor = -1', on: 's.minor', kind: 'write' },
    { by: 'b', in: 'register', c: 'two()' },
    { by: 'b', in: 'register', c: 'three()' },
    { by: 'c', in: 'unregister', c: 's->minor == -1', on: 's.minor', kind: 'read' },
    { by: 'c', in: 'unregister', c: 's->minor == -1, again', on: 's.minor', kind: 'read' },
    { by: 'c', in: 'unregister', c: 'four()' },
    { by: 'c', in: 'unregister', c: 'kfree(s)', on: 's', kind: 'free' },
  ];
  t.deepEqual(drawn(steps, { object: 's', finding: { kind: 'use-after-free' } }), [
    'a: register()',
    'a:   s->minor = 0',
    'a:   [... 2 steps]',
    'b: register()',
    'b:   s->minor = -1',
    'b:   [... 2 steps]',
    'c: unregister()',
    'c:   s->minor == -1',
    'c:   [... 2 steps]',
    'c:   kfree(s)',
  ]);
});

test('what went wrong stands under the step that raised it', (t) => {
  const steps: readonly Step[] = [{ by: 'a', in: 'f', c: 'set(&x, 1)', on: 'x', splat: 'it is wrong' }];
  t.deepEqual(drawn(steps, { object: 'x' }), ['a: f()', 'a:   set(&x, 1)', 'a:   it is wrong']);
});

test('a thread that is stuck shows the call that waits, and who holds what it waits for', (t) => {
  const waiting = { functions: ['f'], next: 'lock(&m)', object: 'm', event: 'lock', blocked: true, status: 'running' } as const;
  const fault = { kind: 'deadlock', text: 'they wait', sites: [{ thread: 'a', object: 'm' }] };
  t.deepEqual(
    drawn([{ by: 'a', in: 'f', c: 'one()', on: 'm' }], {
      object: 'm',
      standing: [standingOf('a', waiting), standingOf('b', { held: ['m'] })],
      finding: { kind: 'deadlock', fault } as unknown as Partial<Finding>,
    }),
    ['a: f()', 'a:   one()', 'a:   lock(&m) ... waits for &m, held by b'],
  );
});

test('a loop without end is opened and closed', (t) => {
  const steps: readonly Step[] = ['one()', 'two()', 'three()'].map((c) => ({ by: 'a', in: 'f', c, on: 'x' }));
  t.deepEqual(drawn(steps, { object: 'x', finding: { loopFrom: 2 } }), [
    'a: f()',
    'a:   one()',
    'loop:',
    'a:   two()',
    'a:   three()',
    'again from 2',
  ]);
});
