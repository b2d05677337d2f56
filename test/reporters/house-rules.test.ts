/** Whatever is reported can be pasted into a mail: ASCII, no tabs, 75 columns, nothing that only a real kernel has. */
import test from 'ava';
import getAfterZero from '../../scenarios/references/get-after-zero.ts';
import leakOnErrorPath from '../../scenarios/references/leak-on-error-path.ts';
import putWithoutGet from '../../scenarios/references/put-without-get.ts';
import minorReuse from '../../scenarios/register-rfc/minor-reuse.ts';
import nodeNameCollision from '../../scenarios/register-rfc/node-name-collision.ts';
import refcountReadSet from '../../scenarios/register-rfc/refcount-read-set.ts';
import registerAgain from '../../scenarios/register-rfc/register-again.ts';
import staleUnboundEntry from '../../scenarios/register-rfc/stale-unbound-entry.ts';
import { checkVariant, type Finding, formatSchedule, type Scenario } from '../../src/index.ts';
import { asText } from '../../src/document/text.ts';
import { checkDocument } from '../../src/reporters/check-document.ts';
import { titleOf } from '../../src/reporters/kernel/title.ts';
import { plain } from '../../src/reporters/layout.ts';
import { checkText } from '../../src/reporters/text.ts';
import { samples } from './samples.ts';
import { splats } from './splats.ts';

const scenarios: readonly Scenario[] = [
  samples,
  splats,
  getAfterZero,
  leakOnErrorPath,
  putWithoutGet,
  minorReuse,
  nodeNameCollision,
  refcountReadSet,
  registerAgain,
  staleUnboundEntry,
];

const replay = ({ id }: Pick<Finding, 'id'>) => `npx interlock replay schedules/${id}.schedule`;
const options = { detail: 'full', allSteps: false, placeOf: null, replay } as const;

/** Addresses, offsets, processes, processors and what is told of them by a kernel alone. */
const INVENTED = /0x[0-9a-f]|\+0x|\bPID\b|\bpid\b|\bCPU#|CPU: |jiffies|[Tt]ainted|UID: /;

for (const scenario of scenarios)
  test(`the reports of ${scenario.name} keep the rules of the house`, async (t) => {
    for (const variant of Object.keys(scenario.variants)) {
      const result = await checkVariant(scenario, variant, { maxStates: 50_000 });
      const copied = new Set(
        result.findings.flatMap((finding) => [
          replay(finding),
          `Replay: ${replay(finding)}`,
          ...(finding.schedule === null
            ? []
            : formatSchedule(finding.schedule)
                .split('\n')
                .flatMap((line) => [line, `  ${line}`])),
        ]),
      );
      const text = checkText(result, { ...options, paint: plain });
      const document = asText(checkDocument([result], () => options)).split('\n');
      for (const line of [...text, ...document]) {
        t.regex(line, /^[\x20-\x7e]*$/, line);
        t.false(line.endsWith(' '), line);
        t.notRegex(line, INVENTED, line);
        if (!copied.has(line)) t.true(line.length <= 75, line);
      }
      for (const finding of result.findings) t.notRegex(titleOf(finding) ?? '', /[^\x20-\x7e]|\d{4}|undefined| in $/);
    }
  });
