/**
 * The part of SARIF 2.1.0 that is written here, by the names of the standard (OASIS, sections 3.13 to 3.58): enough for
 * a forge to show findings with their way, and to know them again.
 */
import { z } from 'zod';
import { kind } from './schemas.ts';

const message = z.strictObject({ text: z.string().min(1) });
const level = z.enum(['none', 'note', 'warning', 'error']);
const order = z.int().nonnegative();

/** RFC 3986, relative: no scheme, and none of what has to be percent-encoded. */
const uri = z.string().regex(/^(?![a-z][a-z0-9+.-]*:)(?!\/)[\w\-.~!$&'()*+,;=:@%/]+$/i);

const location = z.strictObject({
  physicalLocation: z
    .strictObject({
      artifactLocation: z.strictObject({ uri }),
      region: z.strictObject({ startLine: z.int().positive() }).optional(),
    })
    .optional(),
  logicalLocations: z.array(z.strictObject({ name: z.string().min(1), kind: z.string() })).optional(),
  message: message.optional(),
});

const threadFlowLocation = z.strictObject({
  location,
  executionOrder: order,
  nestingLevel: order,
  importance: z.enum(['important', 'essential', 'unimportant']),
});

const result = z.strictObject({
  ruleId: kind,
  ruleIndex: order,
  level,
  message,
  locations: z.array(location).min(1),
  partialFingerprints: z.record(z.string(), z.string().min(1)),
  codeFlows: z
    .array(
      z.strictObject({
        threadFlows: z.array(z.strictObject({ id: z.string(), locations: z.array(threadFlowLocation).min(1) })).min(1),
      }),
    )
    .optional(),
});

export const sarifSchema = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.literal('interlock'),
          semanticVersion: z.string(),
          rules: z.array(
            z.strictObject({ id: kind, shortDescription: message, defaultConfiguration: z.strictObject({ level }) }),
          ),
        }),
      }),
      invocations: z.array(
        z.strictObject({
          executionSuccessful: z.boolean(),
          toolExecutionNotifications: z.array(z.strictObject({ level, message })),
        }),
      ),
      results: z.array(result),
      columnKind: z.literal('utf16CodeUnits'),
    }),
  ),
});

export type SarifJson = z.infer<typeof sarifSchema>;
