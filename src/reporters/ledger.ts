/** Who took what and who gave it back, under a leak or a miscounted reference, and which of them it was as far as that can be told. */
import type { Finding } from '../check/finding.ts';
import { plainName } from '../model/names.ts';
import { type Account, accountsOf, type Origin, type Posting, unfreedOf, whereIn } from '../trace/ledger.ts';
import type { TraceStep } from '../trace/trace.ts';
import { listed, wrap } from './layout.ts';

/** The accounts that a report of this finding goes into. */
export const ledgerOf = ({ kind, trace, object }: Finding): readonly Account[] =>
  trace === null || (kind !== 'leak' && kind !== 'refcount') ? [] : accountsOf(trace, object);

/** @returns the lines of the ledger, none where the finding is not about what is counted */
export function ledgerText(finding: Finding): readonly string[] {
  const memory = neverFreed(finding);
  const accounts = ledgerOf(finding).flatMap((account, i) => [
    ...(i === 0 && memory.length === 0 ? [] : ['']),
    ...ofAccount(account, finding),
  ]);
  return [...memory, ...accounts];
}

const neverFreed = ({ kind, trace, object }: Finding): readonly string[] =>
  trace === null || kind !== 'leak'
    ? []
    : unfreedOf(trace, object).flatMap((step) => wrap(`Allocated at step ${step.index} ${by(step)}, never freed.`, '', '  '));

function ofAccount(account: Account, { kind }: Finding): readonly string[] {
  const { path, isCount, start, end } = account;
  const shown = account.postings.filter((posting) => !isWithinACall(posting, account));
  const digits = String(shown.at(-1)?.step.index ?? 0).length;
  const hidden = account.postings.length - shown.length;
  return [
    ...wrap(`${isCount ? 'References' : 'Entries'} of ${plainName(path)}, ${start} at the start and ${end} at the end:`),
    ...shown.flatMap((posting) => {
      const begin = `  step ${String(posting.step.index).padStart(digits)}: `;
      return wrap(spell(posting), begin, ' '.repeat(begin.length));
    }),
    ...(hidden === 0 ? [] : [`  [... ${hidden / 2} more, taken and put within one call]`]),
    ...(kind === 'leak' ? leftOver(account) : miscounted(account)),
  ];
}

/** What is taken and put by one call is nobody's concern, if the two belong together for certain. */
function isWithinACall({ step, kind, of }: Posting, { isCertain, postings }: Account): boolean {
  if (!isCertain) return false;
  if (kind === 'put') return of.length === 1 && of[0] !== null && of[0] !== undefined && isOneCall(of[0], step);
  const back = postings.filter((other) => other.kind === 'put' && other.of.includes(step));
  return kind === 'taken' && back.length === 1 && back.every((other) => isOneCall(step, other.step));
}

const isOneCall = (one: TraceStep, other: TraceStep): boolean => one.thread === other.thread && one.call === other.call;

function spell({ step, kind, item, before, after, of }: Posting): string {
  const who = by(step);
  const now = item === null && kind !== 'refused' ? `, ${before} -> ${after}` : '';
  const what = item === null ? '' : `${plainName(item)} `;
  switch (kind) {
    case 'taken':
      return `${what}${item === null ? 'taken' : 'added'} ${who}${now}`;
    case 'put':
      return `${what}${item === null ? 'put' : 'taken off'} ${who}${now}, ${whence(of)}`;
    case 'set':
      return `set ${who}${now}${of.length === 0 ? '' : `, while it is held by ${origins(of)}`}`;
    case 'refused':
      return `refused to ${who.slice('by '.length)}, at ${before}`;
  }
}

/** By whom, in which function of which call. */
function by(step: TraceStep): string {
  const where = whereIn(step);
  return `by ${step.thread} in ${where}()${where === step.operation ? '' : ` under ${step.operation}()`}`;
}

const whence = (of: readonly Origin[]): string =>
  of.length === 0 ? 'which nobody had taken' : `for ${of.length > 1 ? 'one of ' : ''}${origins(of)}`;

function origins(of: readonly Origin[]): string {
  const steps = of.flatMap((origin) => (origin === null ? [] : [String(origin.index)]));
  const start = of.includes(null) ? ['what was there at the start'] : [];
  const named = [...(steps.length === 0 ? [] : [`${steps.length === 1 ? 'step' : 'steps'} ${listed(steps)}`]), ...start];
  return listed(named);
}

function leftOver({ left, isCertain, isCount }: Account): readonly string[] {
  const steps = [...new Set(left)].filter((origin) => origin !== null);
  const fromStart = left.filter((origin) => origin === null).length;
  const never = isCount ? 'never put' : 'never taken off';
  const lines = [
    ...steps.map((step) => `${isCount ? 'taken' : 'added'} at step ${step.index} ${by(step)}, ${never}`),
    ...(fromStart === 0 ? [] : [`${fromStart} that ${fromStart === 1 ? 'was' : 'were'} there at the start`]),
  ];
  if (lines.length === 0) return [];
  const how = isCertain ? 'By thread and call' : 'If each put is of the last get that it can be of';
  return [
    ...wrap(isCount ? `${how}, still counted at the end:` : 'Still there at the end:'),
    ...lines.flatMap((line) => wrap(line, '  ', '    ')),
  ];
}

/** Whose put it was that should not have been, or what came to an end too early. */
function miscounted({ postings }: Account): readonly string[] {
  const last = postings.at(-1);
  if (last === undefined) return [];
  const { step, kind, of } = last;
  // The set itself says over what it goes.
  if (kind === 'set') return [];
  if (step.means.kind === 'get') {
    const toZero = postings.findLast(({ after, step: other }) => after === '0' && other !== step);
    return toZero === undefined ? [] : wrap(`It had come to 0 at step ${toZero.step.index}, ${by(toZero.step)}.`);
  }
  return kind === 'put' && of.length === 0 ? putWithoutGet(postings) : [];
}

/** Of the puts of what their own threads had not taken one is too many: that of a thread that took, or was refused, something. */
function putWithoutGet(postings: readonly Posting[]): readonly string[] {
  const foreign = postings.filter(({ kind, isForeign }) => kind === 'put' && isForeign);
  const asked = ({ step: { thread } }: Posting) =>
    postings.findLast(({ kind, step }) => (kind === 'refused' || kind === 'taken') && step.thread === thread);
  const suspects = foreign.filter((posting) => asked(posting) !== undefined);
  const [only] = suspects.length === 1 ? suspects : foreign.length === 1 ? foreign : [];
  if (only !== undefined) {
    const get = asked(only);
    const refused = get?.kind === 'refused' ? `: what it asked for at step ${get.step.index} was refused` : '';
    const spent = get?.kind === 'taken' ? `: ${only.step.thread} had put back all that it took` : '';
    return wrap(`By thread, the put at step ${only.step.index} ${by(only.step)} had no get${refused}${spent}.`, '', '  ');
  }
  return [
    ...wrap('By thread, one of these puts had no get:'),
    ...foreign.flatMap(({ step }) => wrap(`step ${step.index}, ${by(step)}`, '  ', '    ')),
  ];
}
