/** Programs over machines that are random themselves: what an event does, and whether it waits, is thrown for each value. */
import { fc } from '@fast-check/ava';
import { assign } from 'xstate';
import { message, type Operation, oneOf, send } from '../../actors/step.ts';
import { globals, type Handle, type HandleTo, part, type Protocol, setupObject } from '../../machines/object.ts';
import { call, type Variant, variant } from '../../src/index.ts';

/** What an event does where the object has this value; null: it must wait. */
type Effect = { readonly to: number; readonly reply: number; readonly splat: boolean } | null;
type Table = readonly (readonly Effect[])[];

const VALUES = 4;
const EVENTS = 3;
const effect: fc.Arbitrary<Effect> = fc.option(
  fc.record({
    to: fc.nat(VALUES - 1),
    reply: fc.nat(1),
    splat: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  { freq: 4 },
);
const table: fc.Arbitrary<Table> = fc.array(fc.array(effect, { minLength: VALUES, maxLength: VALUES }), {
  minLength: EVENTS,
  maxLength: EVENTS,
});

function machineOf(rows: Table) {
  type Seen = { context: { value: number } };
  const at = (event: number, { context }: Seen): Effect => rows[event]?.[context.value] ?? null;
  const moves = (event: number) => [
    { type: 'answer', params: (seen: Seen) => ({ value: at(event, seen)?.reply ?? null }) },
    assign({ value: (seen: Seen) => at(event, seen)?.to ?? 0 }),
  ];
  const on = Object.fromEntries(
    rows.map((_, event) => [
      `e${event}`,
      [
        { guard: (seen: Seen) => at(event, seen)?.splat === false, actions: moves(event) },
        {
          guard: (seen: Seen) => at(event, seen)?.splat === true,
          actions: [...moves(event), { type: 'splat', params: { kind: 'warn', text: `e${event}`, prints: 'WARNING' } }],
        },
      ],
    ]),
  );
  const config = { id: 'random', context: ({ input }: { input: object }) => input, on };
  return setupObject<{ value: number }, Protocol>().createMachine(config as never);
}

/** What is said to which object, in one way or in either of two. Taken with reply 1, the next step is skipped. */
type Say = { readonly object: number; readonly event: number };
type Instruction = readonly [Say] | readonly [Say, Say];
const say: fc.Arbitrary<Say> = fc.record({ object: fc.nat(1), event: fc.nat(EVENTS - 1) });
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(say) },
  { weight: 1, arbitrary: fc.tuple(say, say) },
);

const objectOf = (rows: readonly Table[]) =>
  globals(
    'o',
    Object.fromEntries(rows.map((row, i) => [`o${i}`, part<Protocol, object>(machineOf(row) as never, { value: 0 })])),
  );
type Random = HandleTo<ReturnType<typeof objectOf>>;

function* play(o: Random, code: readonly Instruction[]): Operation {
  const said = ({ object, event }: Say) => message('update', o[`o${object}`] as Handle<Protocol>, `e${event}`);
  for (let pc = 0; pc < code.length; pc++) {
    const [first, second] = code[pc] as Instruction;
    const reply =
      second === undefined ? yield* send<number>(said(first)) : (yield* oneOf({ a: said(first), b: said(second) })).reply;
    if (reply === 1) pc++;
  }
}

interface Case {
  readonly tables: readonly Table[];
  readonly threads: readonly (readonly Instruction[])[];
  /** The invariant: o0 never has this value. */
  readonly never: number;
}
const cases: fc.Arbitrary<Case> = fc.record({
  tables: fc.tuple(table, table),
  threads: fc.array(fc.array(instruction, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 }),
  never: fc.integer({ min: 1, max: VALUES * 2 }),
});

/** Each ends after at most twelve steps. */
export const randomVariants: fc.Arbitrary<Variant> = cases.map(({ tables, threads, never }) =>
  variant({
    objects: { o: objectOf(tables) },
    threads: ({ o }) => Object.fromEntries(threads.map((code, t) => [`t${t}`, [call(play, o, code)]])),
    always: { invariant: ({ o }) => (o.o0 as unknown as { readonly value: number }).value !== never },
    expect: [],
  }),
);
