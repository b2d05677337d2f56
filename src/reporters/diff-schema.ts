/** The JSON of `interlock diff`. */
import { z } from 'zod';
import { kind } from './schemas.ts';

const name = z.string().min(1);
const whole = z.int().nonnegative();
/** Of the first design, then of the second. */
const pairOf = <T extends z.ZodType>(of: T) => z.tuple([of, of]);

const finding = z.strictObject({ kind, id: name, object: z.string(), message: z.string(), expected: z.boolean() });

const parting = z.strictObject({
  why: z.enum(['other step', 'waits', 'ended', 'stopped', 'no such thread']),
  step: whole,
  here: z.strictObject({ thread: name, says: z.string(), function: z.string() }),
  there: z
    .strictObject({ thread: name, says: z.string().nullable(), function: z.string().nullable(), heldBy: z.array(name) })
    .nullable(),
});

const of = z.enum(['object', 'call']);

const onlyHere = z.strictObject({
  place: name,
  of,
  here: z.string(),
  there: z.string().nullable(),
  outcomes: whole,
  schedule: name,
});

export const diffSchema = z.strictObject({
  schema: z.literal('interlock.diff/1'),
  memoryModel: z.literal('SC'),
  scenario: name,
  designs: pairOf(
    z.strictObject({
      variant: name,
      outcome: z.enum(['as-expected', 'unexpected', 'missing', 'cut']),
      exhaustive: z.boolean(),
      cut: z.string().nullable(),
      strategy: name,
      searched: z.array(kind),
      states: whole,
      steps: whole,
      seconds: z.number().nonnegative(),
    }),
  ),
  cuts: pairOf(z.string().nullable()),
  findings: z.strictObject({ both: z.array(pairOf(finding)), only: pairOf(z.array(finding)) }),
  replayed: z.array(
    z.strictObject({
      finding: name,
      steps: whole,
      same: whole,
      extra: whole,
      leftOut: whole,
      first: parting.nullable(),
      left: parting.nullable(),
      found: z.array(finding),
    }),
  ),
  incomparable: z.string().nullable(),
  outcomes: z
    .strictObject({
      compared: z.array(z.strictObject({ name, of })),
      notCompared: pairOf(z.array(name)),
      neverAlike: z.array(z.strictObject({ place: name, of, values: pairOf(z.array(z.string())) })),
      counts: z.strictObject({ a: whole, b: whole, both: whole }),
      only: pairOf(z.array(onlyHere)),
    })
    .nullable(),
  serial: z
    .strictObject({
      notApplicable: z.string().nullable(),
      outcomes: whole,
      serialOutcomes: whole,
      someNeverEnd: z.boolean(),
      cut: z.string().nullable(),
      unserial: z.array(z.strictObject({ object: name, message: z.string(), order: z.array(name), outcomes: whole })),
    })
    .nullable(),
  lockOrder: z.strictObject({
    both: whole,
    only: pairOf(z.array(z.strictObject({ from: name, to: name, functions: z.array(name) }))),
  }),
  strangers: z.array(name),
});

export type DiffJson = z.infer<typeof diffSchema>;
