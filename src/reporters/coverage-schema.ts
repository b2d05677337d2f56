/** The JSON of `interlock coverage`. */
import { z } from 'zod';

const name = z.string().min(1);
const whole = z.int().nonnegative();
const transition = z.strictObject({ from: name, event: name, to: name });

export const coverageSchema = z.strictObject({
  schema: z.literal('interlock.coverage/1'),
  memoryModel: z.literal('SC'),
  variants: z.array(
    z.strictObject({
      scenario: name,
      variant: name,
      states: whole,
      cut: z.string().nullable(),
      sometimes: z.array(z.strictObject({ name, reached: z.boolean(), expected: z.boolean() })),
    }),
  ),
  machines: z.array(
    z.strictObject({
      machine: name,
      parts: z.array(z.strictObject({ part: name, entered: z.array(name) })),
      entered: z.array(name),
      neverEntered: z.array(name),
      taken: z.array(transition),
      neverTaken: z.array(transition),
    }),
  ),
  code: z.array(
    z.strictObject({
      file: z.string(),
      functions: z.array(z.strictObject({ name, line: whole, run: z.boolean() })),
      errnos: z.array(z.strictObject({ errno: name, function: z.string(), line: whole, run: z.boolean() })),
    }),
  ),
  operations: z.array(z.strictObject({ operation: z.string(), results: z.array(name) })),
  ways: z.array(z.strictObject({ function: z.string(), step: z.string(), taken: z.array(name), never: z.array(name) })),
  pairs: z.array(z.strictObject({ operations: z.tuple([z.string(), z.string()]), raced: z.boolean() })),
});

export type CoverageJson = z.infer<typeof coverageSchema>;
