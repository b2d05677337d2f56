import test from 'ava';
import { formatSchedule, ModelError, parseSchedule } from '../../src/index.ts';

const text = `interlock/1 refcount-read-set/rfc refcount-1a2b3c4d
without: remover
without: registrar_b.2
registrar_a 7 refcount_read(device.refcount)
loop:
user 12 wait_for_completion(device.comp)=timeout
`;

test('a schedule is read as it is written', (t) => {
  const schedule = parseSchedule(text);
  t.deepEqual(schedule, {
    scenario: 'refcount-read-set',
    variant: 'rfc',
    finding: 'refcount-1a2b3c4d',
    without: ['remover', 'registrar_b.2'],
    runs: [
      { thread: 'registrar_a', steps: 7, last: 'refcount_read(device.refcount)' },
      { thread: 'user', steps: 12, last: 'wait_for_completion(device.comp)=timeout' },
    ],
    loop: 1,
  });
  t.is(formatSchedule(schedule), text);
});

const edited = text
  .replace('loop:', 'edit: {"kind":"drop","at":["mutex_lock@vfio\\u0020main.js:7:12"]}\nloop:')
  .replace(/^registrar_a.*\n/m, '');

test('what the code is edited by is one word for each edit', (t) => {
  const schedule = parseSchedule(edited);
  t.deepEqual(schedule.edits, [{ kind: 'drop', at: ['mutex_lock@vfio main.js:7:12'] }]);
  t.is(formatSchedule(schedule), edited);
  t.deepEqual(parseSchedule(edited.replaceAll('\n', ' ')), schedule);
});

test('it survives a mail: one line, wrapped lines, quoted lines', (t) => {
  const schedule = parseSchedule(text);
  t.deepEqual(parseSchedule(text.replaceAll('\n', ' ')), schedule);
  t.deepEqual(parseSchedule(text.replaceAll(' ', '\n')), schedule);
  t.deepEqual(parseSchedule(text.replaceAll(/^/gm, '> ')), schedule);
});

test('one that is for the design as it stands says nothing of what is left out, as those of old', (t) => {
  const old = text.replaceAll(/^without: .*\n/gm, '');
  const schedule = parseSchedule(old);
  t.deepEqual(schedule, { ...parseSchedule(text), without: [] });
  t.is(formatSchedule(schedule), old);
});

test('what is left out may be said where no finding is named', (t) => {
  const schedule = parseSchedule('interlock/1 a/b without: t.2 t 1 x(y)');
  t.is(schedule.finding, null);
  t.deepEqual(schedule.without, ['t.2']);
  t.deepEqual(parseSchedule(formatSchedule(schedule)), schedule);
});

for (const [what, bad, message] of [
  ['nothing', '', 'This is not a schedule'],
  ['another format', 'interlock/9 a/b t 1 x(y)', 'This is a schedule of format interlock/9; this version reads interlock/1'],
  ['no variant', 'interlock/1 refcount t 1 x(y)', 'The schedule names no scenario and variant: "refcount"'],
  ['no steps', 'interlock/1 a/b', 'The schedule has no steps'],
  ['a count that is none', 'interlock/1 a/b id t many x(y)', 'The schedule cannot be read at "t many x(y)"'],
  ['a design without what is not said', 'interlock/1 a/b without:', 'The schedule does not say what it is without'],
  [
    'an edit that is none',
    text.replace(/^registrar_a.*\n/m, '').replace('loop:', 'edit: {"kind":"mend"} loop:'),
    /This is no edit/,
  ],
  ['an edit that breaks off', 'interlock/1 a/b edit: {"kind"', /The edit cannot be read/],
  ['a run that breaks off', 'interlock/1 a/b t 1 x(y) t 2', 'The schedule cannot be read at "t 2"'],
] as const)
  test(`what is no schedule is refused: ${what}`, (t) => {
    const error = t.throws(() => parseSchedule(bad), { instanceOf: ModelError, message });
    t.truthy(error?.next);
  });
