import test from 'ava';
import { message, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import type { Handle } from '../../machines/object.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import { sayEdit } from '../../src/edits/say.ts';
import { Sites } from '../../src/edits/sites.ts';
import { call, variant } from '../../src/index.ts';
import type { Edit } from '../../src/model/edit.ts';
import { placesOf } from '../helpers/edited.ts';
import { plain } from '../helpers/searches.ts';
import { cells, type Cells } from '../helpers/tiny.ts';

function* add({ x, y, m }: Cells): Operation {
  yield* store(y, 1);
  yield* mutex_lock(m);
  yield* store(x, (yield* load(x)) + 1);
  yield* mutex_unlock(m);
  yield* store(y, 2);
}

const design = variant({ objects: { cells }, threads: ({ cells }) => ({ a: [call(add, cells)] }), expect: [] });
const at = placesOf(design);
const lockOf = (path: string) => {
  const m = { path } as Handle<Mutex>;
  return {
    take: [message<Mutex, 'mutex_lock'>('acquire', m, 'mutex_lock')],
    release: message<Mutex, 'mutex_unlock'>('release', m, 'mutex_unlock'),
  } as const;
};

const first = at('store', 'add', 0);
const last = at('store', 'add', 2);
const sentences: readonly [Edit, string][] = [
  [{ kind: 'drop', at: [at('mutex_lock')] }, 'without mutex_lock(&cells->m) in add()'],
  [{ kind: 'delay', at: at('mutex_lock'), past: [at('load')] }, 'mutex_lock(&cells->m) only after cells->x in add()'],
  [
    { kind: 'hasten', at: at('mutex_unlock'), before: at('store', 'add', 1), replies: [null] },
    'mutex_unlock(&cells->m) already before cells->x = 1 in add()',
  ],
  [
    { kind: 'hold', ...lockOf('cells.m'), from: first, to: at('mutex_lock') },
    'mutex_lock(&cells->m) already before cells->y = 1 in add()',
  ],
  [
    { kind: 'hold', ...lockOf('cells.m'), from: at('mutex_unlock'), to: last },
    'mutex_unlock(&cells->m) only after cells->y = 2 in add()',
  ],
  [
    { kind: 'hold', ...lockOf('cells.n'), from: first, to: null },
    'mutex_lock(&cells->n) held from cells->y = 1 to the end of the function in add()',
  ],
  [
    { kind: 'insert', at: last, where: 'before', message: lockOf('cells.n').release },
    'mutex_unlock(&cells->n) before cells->y = 2 in add()',
  ],
  [
    { kind: 'replace', at: at('mutex_lock'), by: lockOf('cells.n').take[0] },
    'mutex_lock(&cells->n) for mutex_lock(&cells->m) in add()',
  ],
];

test('each edit is said in C', (t) => {
  const sites = new Sites(plain(design).program);
  for (const [edit, sentence] of sentences) t.is(sayEdit(edit, sites), sentence);
});
