/** The JSON that other programs read. A field is never taken away or given another meaning under the same version. */
import { z } from 'zod';

export const kind = z.enum([
  'use-after-free',
  'double-free',
  'null-deref',
  'refcount',
  'data-race',
  'deadlock',
  'self-deadlock',
  'hung-task',
  'starvation',
  'lock-order',
  'sleep-in-atomic',
  'lock-held-at-exit',
  'unlock-imbalance',
  'leak',
  'warn',
  'bug',
  'list-corruption',
  'invariant',
  'end-state',
  'never-reached',
  'non-serialisable',
]);

const name = z.string().min(1);
const whole = z.int().nonnegative();

const expectation = z.strictObject({
  kind,
  object: z.string(),
  between: z.tuple([name, name]).nullable(),
});

export const listSchema = z.strictObject({
  schema: z.literal('interlock.list/1'),
  scenarios: z.array(
    z.strictObject({
      name,
      summary: z.string(),
      source: z.string(),
      tags: z.array(name),
      covers: z.array(name),
      variants: z.array(z.strictObject({ name, expect: z.array(expectation) })),
    }),
  ),
});

/** A step, or null for what was there at the start. */
const origin = whole.nullable();

const ledger = z.strictObject({
  part: name,
  start: z.string(),
  end: z.string(),
  postings: z.array(
    z.strictObject({
      step: whole,
      thread: name,
      function: z.string(),
      what: z.enum(['taken', 'put', 'set', 'refused']),
      entry: z.string().nullable(),
      before: z.string(),
      after: z.string(),
      of: z.array(origin),
    }),
  ),
  left: z.array(origin),
  certain: z.boolean(),
});

const finding = z.strictObject({
  kind,
  id: name,
  expected: z.boolean(),
  message: z.string(),
  title: z.string().nullable(),
  object: z.string(),
  threads: z.array(name),
  preemptions: whole,
  steps: whole,
  without: z.array(name),
  schedule: z.string().nullable(),
  diagram: z.string().nullable(),
  ledger: z.array(ledger),
  nearestOrder: z
    .strictObject({
      order: z.array(name),
      differences: z.array(z.strictObject({ object: name, here: z.string(), there: z.string() })),
      outcomes: whole,
    })
    .nullable(),
});

export const checkSchema = z.strictObject({
  schema: z.literal('interlock.check/1'),
  memoryModel: z.literal('SC'),
  results: z.array(
    z.strictObject({
      scenario: name,
      variant: name,
      outcome: z.enum(['as-expected', 'unexpected', 'missing', 'cut']),
      exhaustive: z.boolean(),
      cut: z.string().nullable(),
      estimate: z.string().nullable(),
      strategy: name,
      notes: z.array(z.string()),
      searched: z.array(kind),
      states: whole,
      traces: whole.nullable(),
      steps: whole,
      seconds: z.number().nonnegative(),
      findings: z.array(finding),
      consequences: z.array(finding),
      sometimes: z.array(z.strictObject({ name, reached: z.boolean() })),
      serial: z
        .strictObject({
          notApplicable: z.string().nullable(),
          outcomes: whole,
          serialOutcomes: whole,
          someNeverEnd: z.boolean(),
          cut: z.string().nullable(),
        })
        .nullable(),
    }),
  ),
});

export const replaySchema = z.strictObject({
  schema: z.literal('interlock.replay/1'),
  scenario: name,
  variant: name,
  finding: z.strictObject({ kind, id: name }).nullable(),
  diverged: z.strictObject({ step: whole, expected: z.string(), found: z.string() }).nullable(),
  trace: z.array(
    z.strictObject({
      step: whole,
      thread: name,
      operation: z.string(),
      object: z.string(),
      event: name,
      reply: z.json(),
      splats: z.array(z.strictObject({ kind, object: z.string(), text: z.string(), prints: z.string().nullable() })),
    }),
  ),
});

export type ListJson = z.infer<typeof listSchema>;
export type LedgerJson = z.infer<typeof ledger>;
export type CheckJson = z.infer<typeof checkSchema>;
export type ReplayJson = z.infer<typeof replaySchema>;

/** What one piece of work took, and what it took a peer. */
const benchRow = z.strictObject({
  work: name,
  /** Its size, as the work counts it. */
  n: whole,
  states: whole,
  seconds: z.number().nonnegative(),
  statesPerSecond: z.number().nonnegative(),
  bytesPerState: z.number().nonnegative().nullable(),
  /** The most memory that the process had; null where a whole command was measured from outside. */
  peakBytes: whole.nullable(),
  peer: z.strictObject({ name, states: whole, seconds: z.number().nonnegative() }).nullable(),
  /** Our seconds over those of the peer. */
  ratio: z.number().nonnegative().nullable(),
});

export const benchSchema = z.strictObject({ schema: z.literal('interlock.bench/1'), rows: z.array(benchRow) });

export type BenchRow = z.infer<typeof benchRow>;
export type BenchJson = z.infer<typeof benchSchema>;
