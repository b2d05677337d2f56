/** The race window of a finding in `interlock.check/1`. */
import { z } from 'zod';

const name = z.string().min(1);
const whole = z.int().nonnegative();
const share = z.number().min(0).max(1);

/** A step that a thread has taken, or, without a number, would take next. */
const step = z.strictObject({ step: whole.nullable(), says: z.string(), function: z.string().nullable() });

const counted = { by: z.literal('runs'), hits: whole, runs: whole, seed: z.int(), low: share, high: share };

export const windowSchema = z.strictObject({
  delays: z.array(
    z.strictObject({
      thread: name,
      after: step,
      before: step,
      held: z.array(z.strictObject({ lock: name, atomic: z.boolean() })),
      maySleep: z.boolean(),
      meanwhile: z.array(z.strictObject({ thread: name, operation: name, upTo: step })),
      places: z.strictObject({ count: whole, opens: step, closes: step, atLeast: z.boolean() }).nullable(),
    }),
  ),
  chance: z
    .strictObject({
      random: z.discriminatedUnion('by', [
        z.strictObject({ by: z.literal('all states'), low: share, high: share, states: whole }),
        z.strictObject(counted),
      ]),
      pct: z.strictObject({
        ...counted,
        depth: whole,
        guarantee: z
          .strictObject({ depth: whole, threads: whole, steps: whole, probability: share, hasWays: z.boolean() })
          .nullable(),
      }),
    })
    .nullable(),
});

export type WindowJson = z.infer<typeof windowSchema>;
