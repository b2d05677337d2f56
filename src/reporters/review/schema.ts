/** The JSON of `interlock review`. */
import { z } from 'zod';
import { kind } from '../schemas.ts';

const name = z.string().min(1);
const whole = z.int().nonnegative();
const call = z.strictObject({ function: name, event: name, place: z.string().nullable() });

const rule = z.strictObject({
  locks: z.array(name),
  broken: whole,
  sites: z.array(
    z.strictObject({
      ...call.shape,
      threads: z.array(name),
      plain: z.boolean(),
      held: z.array(name),
      breaks: z.boolean(),
      meets: z.array(name).nullable(),
    }),
  ),
});

const field = z.strictObject({
  field: name,
  type: name,
  threads: z.array(name),
  single: z.boolean(),
  synchronises: z.boolean(),
  writes: rule,
  reads: rule,
  onlyAfter: whole,
});

const lock = z.strictObject({
  lock: name,
  type: name,
  shared: z.boolean(),
  taken: z.array(call),
  contended: whole,
  mostWaiting: whole,
  longestChain: z.array(z.strictObject({ thread: name, function: name, waitsFor: name })).nullable(),
  chainHolder: name.nullable(),
  calls: z.array(name),
  callbacks: z.array(z.strictObject({ by: name, function: name })),
  waits: z.array(call),
  allocations: z.array(call),
});

const order = z.strictObject({
  locks: z.array(name),
  edges: z.array(z.strictObject({ outer: name, inner: name, threads: z.array(name), sites: z.array(call) })),
  cycles: z.array(z.array(name)),
  leaves: z.array(name),
  unordered: z.array(name),
});

const loadBearing = z.strictObject({
  stopped: z.string().nullable(),
  elements: z.array(
    z.strictObject({
      kind: z.enum(['section', 'get', 'put', 'check', 'wait', 'signal', 'order']),
      change: z.enum(['removed', 'narrowed', 'swapped', 'taken for granted']),
      design: name,
      verdict: z.enum(['load-bearing', 'unreached', 'unneeded', 'unknown', 'untried']),
      trials: z.array(
        z.strictObject({
          variant: name,
          result: z.enum(['breaks', 'unreached', 'holds', 'same', 'no-program', 'cut']),
          states: whole,
          why: z.string().nullable(),
          findings: z.array(z.strictObject({ kind, object: z.string(), message: z.string(), schedule: z.string().nullable() })),
        }),
      ),
    }),
  ),
});

const fixes = z.strictObject({
  variant: name,
  finding: name,
  candidates: whole,
  stopped: z.string().nullable(),
  fixes: z.array(
    z.strictObject({
      kind: z.enum([
        'take a lock',
        'widen a section',
        'one lock order',
        'one place',
        'once in the caller',
        'leave it out',
        'another order of steps',
        'wait',
      ]),
      change: z.string(),
      size: whole,
      verified: z.array(z.strictObject({ scenario: name, variant: name, states: whole, unreached: z.array(z.string()) })),
      broken: z.array(z.strictObject({ scenario: name, variant: name, why: z.string() })),
      mends: z.array(name),
      addsOrders: z.array(z.string()),
      steps: z.array(z.string()),
    }),
  ),
});

export const reviewSchema = z.strictObject({
  schema: z.literal('interlock.review/1'),
  memoryModel: z.literal('SC'),
  reviews: z.array(
    z.strictObject({
      scenario: name,
      question: z.string().nullable(),
      answer: z.string(),
      merged: name.nullable(),
      fixes: z.array(fixes).nullable(),
      loadBearing: loadBearing.nullable(),
      variants: z.array(
        z.strictObject({
          variant: name,
          outcome: z.enum(['as-expected', 'unexpected', 'missing', 'cut']),
          exhaustive: z.boolean(),
          cut: z.string().nullable(),
          strategy: name,
          states: whole,
          findings: z.array(
            z.strictObject({
              kind,
              id: name,
              expected: z.boolean(),
              object: z.string(),
              message: z.string(),
              diagram: z.string().nullable(),
            }),
          ),
          locking: z
            .strictObject({ states: whole, whole: z.boolean(), fields: z.array(field), locks: z.array(lock), order })
            .nullable(),
        }),
      ),
    }),
  ),
});

export type ReviewJson = z.infer<typeof reviewSchema>;
