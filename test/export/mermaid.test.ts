/** A chart is drawn from the machine: its states, what leads from one to the next, and what each takes and stays. */
import test from 'ava';
import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../../machines/object.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { machineNamed, machinesOf, structsIn } from '../../src/export/machines.ts';
import { mermaid } from '../../src/export/mermaid.ts';
import { defineScenario, ModelError, type Scenario, variant } from '../../src/index.ts';
import { globals } from '../../machines/object.ts';

type Gate = { open: object; close: { reply: boolean }; ask: { reply: number }; end: object };

const gate = setupObject<{ n: number }, Gate>()
  .extend({
    guards: { isFull: ({ context }) => context.n > 2 },
    actions: { count: assign({ n: ({ context }) => context.n + 1 }) },
  })
  .createMachine({
    id: 'gate',
    context: ({ input }) => input,
    initial: 'start',
    on: {
      ask: { actions: { type: 'answer', params: ({ context }) => ({ value: context.n }) } },
      close: { actions: reply(true) },
      '*': { actions: done },
    },
    states: {
      start: { always: { target: 'shut' } },
      shut: {
        on: {
          open: [
            { guard: 'isFull', actions: splat({ kind: 'warn', text: 'it is full', prints: 'WARNING: full; <p>' }) },
            { target: 'end', actions: ['count', done] },
          ],
          close: { guard: 'isFull', actions: reply(false) },
        },
      },
      end: { on: { end: { target: 'shut', actions: done } } },
    },
  });

const lines = mermaid({ name: 'gate', machine: gate, begins: ['shut'] });

test('arrows lead from state to state, and the rest stands within', (t) => {
  t.deepEqual(lines, [
    'stateDiagram-v2',
    '  state "shut" as shut',
    '  state "end" as end_',
    '  [*] --> shut',
    '  shut --> end_ : open [else]',
    '  shut : open [isFull] ! WARNING#58; full#59; #lt;p#gt;',
    '  shut : close [isFull] / false',
    '  shut : ask / ...',
    '  shut : close / true',
    '  end_ --> shut : end',
    '  end_ : ask / ...',
    '  end_ : close / true',
  ]);
});

const gated = globals('gated', {
  gate: part<Gate, { n: number }>(gate, { n: 0 }),
  lock: mutex(),
  a: refcount(0),
  b: refcount(1),
});
const scenarioOf = (name: string, objects: Parameters<typeof variant>[0]['objects']): Scenario =>
  defineScenario({
    name,
    summary: name,
    source: 'a test',
    covers: [],
    tags: [],
    variants: { one: variant({ objects, threads: () => ({ nobody: [] }), expect: [] }) },
  });
const one = scenarioOf('one', { gated });
const other = scenarioOf('other', { more: gated, lonely: globals('lonely', { lock: mutex() }) });

test('a machine is shown once, with all that is made of it and all states in which that begins', (t) => {
  const machines = machinesOf([one, other]);
  t.deepEqual(
    machines.map(({ name, parts, begins }) => [name, parts, begins]),
    [
      ['gate', ['gated.gate'], ['shut']],
      ['mutex', ['gated.lock', 'lonely.lock'], ['unlocked']],
      ['refcount', ['gated.a', 'gated.b'], ['live', 'zero']],
      ['allocation', [], ['live', 'unused']],
      ['NULL', [], ['']],
      ['environment', [], ['']],
    ],
  );
});

test('a struct is shown once, with the scenarios that have one', (t) => {
  t.deepEqual(
    structsIn([other, one]).map(({ name, scenarios }) => [name, scenarios]),
    [
      ['gated', ['one', 'other']],
      ['lonely', ['other']],
    ],
  );
});

const named = (id: string) =>
  scenarioOf('two', {
    x: globals('x', { of: part(setupObject<object, Gate>().createMachine({ id: `${id}@v1`, context: {} }), {}) }),
    y: globals('y', { of: part(setupObject<object, Gate>().createMachine({ id: `${id}@v2`, context: {} }), {}) }),
  });
const failsOn = (scenario: Scenario, name: string): string => {
  try {
    return machineNamed(machinesOf([scenario]), name, structsIn([scenario])).name;
  } catch (error) {
    return error instanceof ModelError ? `${error.message}; ${error.next}` : String(error);
  }
};

test('a name means one machine; the kernel behind it may be left out where there is one', (t) => {
  t.is(failsOn(one, 'mutex'), 'mutex');
  t.is(failsOn(named('group'), 'group@v2'), 'group@v2');
  t.is(failsOn(named('group'), 'group'), 'Several machines have the name "group"; choose group@v1 or group@v2');
  t.is(failsOn(one, 'mutx'), 'There is no machine "mutx"; did you mean "mutex"?');
  t.is(failsOn(one, 'gated'), '"gated" is a struct, and no machine: its parts are; choose one of them: gate, mutex, refcount');
});
