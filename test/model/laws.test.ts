/** A machine that breaks a law is refused, with the part, the machine and what to do. */
import test from 'ava';
import { assign, createMachine } from 'xstate';
import { access, type Operation } from '../../actors/step.ts';
import { type Handle, part, reply, setupObject, struct } from '../../machines/object.ts';
import { call, ModelError, variant } from '../../src/index.ts';
import { checkTiny } from '../helpers/tiny.ts';

type Probe = { poke: { reply: number } };
const poke = access<Probe, 'poke'>('update', 'poke');
function* poker(probe: Handle<Probe>): Operation {
  yield* poke(probe);
  yield* poke(probe);
}

const checkMachine = (machine: Parameters<typeof part>[0], input: object = {}, range?: (context: object) => boolean) => {
  const box = struct('box', { probe: part<Probe, object>(machine, input, range === undefined ? {} : { range }) });
  return checkTiny(variant({ objects: { box }, threads: (o) => ({ a: [call(poker, o.box.probe)] }), expect: [] }));
};

const counting = setupObject<{ n: number }, Probe>().createMachine({
  id: 'counting',
  context: { n: 0 },
  on: { poke: { actions: [assign({ n: ({ context }) => context.n + 1 }), reply(0)] } },
});

let calls = 0;
const states = (poked: object, extra: object = {}) =>
  createMachine({ id: 'probe', initial: 'idle', states: { idle: { on: { poke: poked } }, ...extra } });

const unlawful: readonly [law: string, run: () => ReturnType<typeof checkMachine>, message: RegExp][] = [
  [
    'invokes',
    () => checkMachine(createMachine({ id: 'probe', invoke: { src: 'x' } })),
    /"box.probe": machine "probe" invokes another actor/,
  ],
  ['keeps time', () => checkMachine(states({}, { late: { after: { 10: 'idle' } } })), /state "late" keeps time/],
  ['has a final state', () => checkMachine(states({ target: 'gone' }, { gone: { type: 'final' } })), /state "gone" is final/],
  [
    'has a context that JSON cannot hold',
    () =>
      checkMachine(setupObject<{ n: Map<string, string> }, Probe>().createMachine({ id: 'probe', context: { n: new Map() } })),
    /has a context that JSON cannot hold/,
  ],
  [
    'answers differently when asked twice',
    () =>
      checkMachine(
        setupObject<{ n: number }, Probe>().createMachine({
          id: 'probe',
          context: { n: 0 },
          on: { poke: { actions: { type: 'answer', params: () => ({ value: calls++ }) } } },
        }),
      ),
    /answers "poke" differently when asked twice/,
  ],
  [
    'leaves its declared range',
    () => checkMachine(counting, {}, (context) => (context as { n: number }).n < 2),
    /leaves its declared range: \{"n":2\}/,
  ],
  [
    'speaks to others',
    () => checkMachine(createMachine({ id: 'probe', on: { poke: { actions: 'shout' } } })),
    /runs the action "shout" on "poke"/,
  ],
  [
    'changes its context in place',
    () =>
      checkMachine(
        setupObject<{ n: { deep: number } }, Probe>().createMachine({
          id: 'probe',
          context: { n: { deep: 0 } },
          on: {
            poke: {
              actions: assign(({ context }) => {
                context.n.deep++;
                return {};
              }),
            },
          },
        }),
      ),
    /fails on "poke": .*read only/,
  ],
];

for (const [law, run, message] of unlawful)
  test(`a machine that ${law} is refused`, async (t) => {
    const error = await t.throwsAsync(run(), { instanceOf: ModelError });
    t.regex(error?.message ?? '', message);
    t.truthy(error?.next);
  });

test('a machine with a target that does not exist cannot be made', (t) => {
  t.throws(() => states({ target: 'nowhere' }), { message: /'nowhere' does not exist on 'probe'/ });
});

test('a machine that keeps the laws is not', async (t) => {
  t.is((await checkMachine(counting)).outcome, 'as-expected');
});
