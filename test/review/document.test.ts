import test from 'ava';
import { DOCUMENT_FORMATS, render } from '../../src/document/render.ts';
import { type CheckResult, checkVariant, defineScenario, type Scenario } from '../../src/index.ts';
import { WIDTH } from '../../src/reporters/layout.ts';
import { placesFrom } from '../../src/reporters/places.ts';
import { answer } from '../../src/reporters/review/answer.ts';
import { reviewDocument, reviewOfAll, type Reviewed } from '../../src/reporters/review/document.ts';
import { reviewJson } from '../../src/reporters/review/json.ts';
import { reviewSchema } from '../../src/reporters/review/schema.ts';
import refcountReadSet from '../../scenarios/register-rfc/refcount-read-set.ts';
import { isGolden } from '../reporters/golden.ts';
import { portReset as small } from './port-reset.ts';

async function checked(scenario: Scenario, variants = Object.keys(scenario.variants), maxStates = 100_000): Promise<Reviewed> {
  const results = new Map<string, CheckResult>();
  for (const name of variants) results.set(name, await checkVariant(scenario, name, { maxStates, locking: true }));
  return { scenario, word: scenario.name, results, plugged: {} };
}

const placeOf = placesFrom(new URL('../../..', import.meta.url).pathname);
/** How many states there are is told by other tests. */
const stable = (text: string): string =>
  text.replace(/\b[\d,]+ (?:of [\d,]+ )?states\b/g, 'N states').replace(/(\.ts):\d+/g, '$1:N');

let mail: Promise<Reviewed> | null = null;
const theMail = (): Promise<Reviewed> => (mail ??= checked(refcountReadSet, ['rfc-one-registrar', 'rfc', 'merged']));

test('a review reads as it is pinned, in every format', async (t) => {
  const document = reviewDocument(await checked(small), placeOf);
  for (const format of DOCUMENT_FORMATS) {
    const ending = { text: 'txt', markdown: 'md.txt', rst: 'rst', html: 'html' }[format];
    isGolden(t, `review.${ending}`, stable(render(document, format)));
  }
});

test('the review of refcount-read-set answers the mail, and reads as it is pinned', async (t) => {
  const text = render(reviewDocument(await theMail(), placeOf), 'text');
  const [, , , ...lines] = text.split('\n');
  t.is(
    stable(lines.slice(0, 3).join(' ')),
    'Can something raise the refcount between the read and the set? Not as one caller uses it (exhaustive: 1 registrar, 2 openers, N states, sequential consistency); yes if two tasks expose one device.',
  );
  isGolden(t, 'review-refcount-read-set.txt', stable(text.slice(0, text.indexOf('\nLock order\n'))));
});

test('a mail takes it: 75 columns of ASCII, no tabs', async (t) => {
  for (const review of [await checked(small), await theMail()])
    for (const line of render(reviewDocument(review, placeOf), 'text').split('\n'))
      t.true(line.length <= WIDTH && /^[\x20-\x7e]*$/.test(line), line);
});

test('the facts are JSON of the schema, with places in the source', async (t) => {
  const review = await checked(small);
  const json = reviewSchema.parse(JSON.parse(JSON.stringify(reviewJson([review], placeOf))));
  const [reset] = json.reviews[0]?.variants.filter((each) => each.variant === 'reset') ?? [];
  const [site] =
    reset?.locking?.fields.find((each) => each.field === 'port->users')?.writes.sites.filter((each) => each.breaks) ?? [];
  t.is(site?.function, 'port_reset');
  t.regex(site?.place ?? '', /^test\/review\/port-reset\.ts:\d+$/);
  t.deepEqual(site?.meets, ['port_open']);
  t.deepEqual(
    reset?.locking?.order.edges.map(({ outer, inner }) => [outer, inner]),
    [['port->lock', 'port->table']],
  );
});

test('after a reduced search it is said once that nobody asked who is side by side', async (t) => {
  const reset = await checkVariant(small, 'reset', { maxStates: 100_000, locking: true, how: { strategy: 'reduced' } });
  const review: Reviewed = { scenario: small, word: 'port-reset', results: new Map([['reset', reset]]), plugged: {} };
  const text = render(reviewDocument(review, placeOf), 'text').replace(/\s+/g, ' ');
  t.is(text.split('was not asked').length, 2);
  t.false(text.includes('next at the same moment'));
});

test('the answer says where a search was cut, and what was not checked', async (t) => {
  const cut = await checked(small, ['careful'], 20);
  t.is(
    answer(small, cut.results),
    'Can a reset come between who opens the port? Not found while nobody resets it, but the search was cut (20 states: 2 openers, `admin`, 22 states, sequential consistency); if an admin resets it: `reset` was not checked.',
  );
});

test('a design that breaks otherwise is not said to hold', async (t) => {
  const shownBy = { kind: 'refcount', object: 'port.refs' } as const;
  const asked = defineScenario({
    ...small,
    question: { asks: 'Is a count lost?', answeredBy: [{ variant: 'seeing', said: 'so', shownBy }] },
  });
  t.is(
    stable(answer(asked, (await checked(asked, ['seeing'])).results)),
    'Is a count lost? Not so (exhaustive: `user`, `remover`, N states, sequential consistency; it breaks otherwise: use-after-free at port).',
  );
});

test('a scenario without a question says of each design whether it holds', async (t) => {
  const { question: _, ...rest } = small;
  const review = await checked(defineScenario(rest), ['careful', 'blind']);
  t.is(
    stable(answer(review.scenario, review.results)),
    '`careful` holds (exhaustive: N states, sequential consistency); `reset` was not checked; `blind` breaks (refcount at port.refs and use-after-free at port); `seeing` was not checked.',
  );
});

test('a question that no variant of the scenario answers is refused', (t) => {
  const error = t.throws(() =>
    defineScenario({ ...small, question: { asks: 'Is it?', answeredBy: [{ variant: 'carefull', said: 'so' }] } }),
  );
  t.is(error?.message, 'The question of "port-reset" is to be answered by "carefull"');
  const wrong = { variant: 'reset', said: 'so', shownBy: { kind: 'end-state', object: 'port.user' } } as const;
  const never = t.throws(() => defineScenario({ ...small, question: { asks: 'Is it?', answeredBy: [wrong] } }));
  t.is(never?.message, 'The question of "port-reset" is to be answered by end-state at "port.user", which no variant expects');
});

test('what others have to say has its place', async (t) => {
  const review = await checked(small, ['careful']);
  const search = { variant: 'careful', finding: 'none', message: 'nothing', fixes: [], candidates: 3, stopped: null };
  const nothing = { scenario: small.name, results: [], surveys: [], seconds: 0, stopped: null };
  const { blocks: whole } = reviewDocument({ ...review, plugged: { fixes: [search], loadBearing: nothing } }, placeOf);
  const headings = whole.flatMap((block) => (block.kind === 'heading' && block.level === 1 ? [block.text] : []));
  t.deepEqual(headings, [
    'What would mend it',
    'What was done instead',
    'Verdicts',
    'Guarded by',
    'Lock order',
    'Locks',
    'What is load-bearing',
    'What this rests on',
  ]);
});

test('several reviews are one document, each a chapter of it', async (t) => {
  const one = reviewDocument(await checked(small, ['careful']), placeOf);
  const { title, blocks } = reviewOfAll([one, one]);
  t.is(title, 'Locking review of 2 scenarios');
  const chapters = blocks.flatMap((block) => (block.kind === 'heading' && block.level === 1 ? [block.text] : []));
  t.deepEqual(chapters, [one.title, one.title]);
});
