/** What each edit makes of a few lines of kernel code: the steps that are taken then, worked out by hand. */
import test from 'ava';
import { again, loop, message, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_lock_interruptible, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { down_write, up_write } from '../../actors/sync/rwsem.ts';
import { type Field, field } from '../../machines/sync/field.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { call, ModelError, type Variant, variant } from '../../src/index.ts';
import type { Edit } from '../../src/model/edit.ts';
import { placesOf, stepsOf } from '../helpers/edited.ts';

const box = struct('box', { x: field<number>(0), y: field<number>(0), m: mutex(), n: mutex(), s: rwsem() });
type Box = HandleTo<typeof box>;

const one = (operation: (box: Box) => Operation<unknown>, start: Variant['start'] = {}): Variant =>
  variant({ objects: { box }, start, threads: ({ box }) => ({ a: [call(operation, box)] }), expect: [] });

const lock = (m: string) => message<Mutex, 'mutex_lock'>('acquire', { path: m }, 'mutex_lock');
const unlock = (m: string) => message<Mutex, 'mutex_unlock'>('release', { path: m }, 'mutex_unlock');
const M = { take: [lock('box.m')], release: unlock('box.m') } as const;

function* add({ x, y, m }: Box): Operation {
  yield* mutex_lock(m);
  const t = yield* load(x);
  yield* store(x, t + 1);
  yield* store(y, 1);
  yield* mutex_unlock(m);
}

test('a lock that is dropped is neither taken nor released', async (t) => {
  const at = placesOf(one(add));
  t.deepEqual(await stepsOf(one(add), []), [
    'mutex_lock(&box->m)',
    'box->x',
    'box->x = 1',
    'box->y = 1',
    'mutex_unlock(&box->m)',
  ]);
  t.deepEqual(await stepsOf(one(add), [{ kind: 'drop', at: [at('mutex_lock')] }]), ['box->x', 'box->x = 1', 'box->y = 1']);
});

test('a lock that is dropped is dropped for all that call the function, and no other lock with it', async (t) => {
  function* outer({ m, n, x }: Box): Operation {
    yield* mutex_lock(m);
    yield* inner(n);
    yield* mutex_unlock(m);
    yield* inner(m);
    yield* store(x, 2);
  }
  function* inner(lock: Handle<Mutex>): Operation {
    yield* mutex_lock(lock);
    yield* mutex_unlock(lock);
  }
  const at = placesOf(one(outer));
  t.deepEqual(await stepsOf(one(outer), [{ kind: 'drop', at: [at('mutex_lock', 'inner')] }]), [
    'mutex_lock(&box->m)',
    'mutex_unlock(&box->m)',
    'box->x = 2',
  ]);
});

test('a read that is dropped is answered as the edit says', async (t) => {
  function* look({ x, y }: Box): Operation {
    if ((yield* load(x)) === 0) return;
    yield* store(y, 1);
  }
  const at = placesOf(one(look));
  t.deepEqual(await stepsOf(one(look), [{ kind: 'drop', at: [at('load')], reply: 0 }]), []);
  t.deepEqual(await stepsOf(one(look), [{ kind: 'drop', at: [at('load')], reply: 5 }]), ['box->y = 1']);
});

test('a trylock that is dropped was granted, and a lock that may be interrupted was not', async (t) => {
  function* both({ m, n, x, y }: Box): Operation {
    if (yield* mutex_trylock(m)) {
      yield* store(x, 1);
      yield* mutex_unlock(m);
    }
    if ((yield* mutex_lock_interruptible(n)) === 0) {
      yield* store(y, 1);
      yield* mutex_unlock(n);
    }
  }
  const at = placesOf(one(both));
  const edit: Edit = { kind: 'drop', at: [at('mutex_trylock'), at('mutex_lock')] };
  t.deepEqual(await stepsOf(one(both), [edit]), ['box->x = 1', 'box->y = 1']);
});

test('a step that is delayed comes after the one that it was moved past', async (t) => {
  const at = placesOf(one(add));
  const late = (past: string) => stepsOf(one(add), [{ kind: 'delay', at: at('mutex_lock'), past: [past] }]);
  t.deepEqual(await late(at('load')), ['box->x', 'mutex_lock(&box->m)', 'box->x = 1', 'box->y = 1', 'mutex_unlock(&box->m)']);
  t.deepEqual(await late(at('store', 'add', 1)), [
    'box->x',
    'box->x = 1',
    'box->y = 1',
    'mutex_lock(&box->m)',
    'mutex_unlock(&box->m)',
  ]);
});

test('a step is delayed no further than to the end of its function', async (t) => {
  function* set({ x }: Box): Operation {
    yield* store(x, 1);
  }
  function* sets(box: Box): Operation {
    yield* set(box);
    yield* store(box.y, 1);
    yield* store(box.x, 3);
  }
  const at = placesOf(one(sets));
  const edit = (where: string): Edit => ({ kind: 'delay', at: at('store', where), past: [at('store', 'sets', 1)] });
  t.deepEqual(await stepsOf(one(sets), [edit('set')]), ['box->x = 1', 'box->y = 1', 'box->x = 3']);
  t.deepEqual(await stepsOf(one(sets), [edit('sets')]), ['box->x = 1', 'box->x = 3', 'box->y = 1']);
});

test('a step is delayed no further than to where a loop begins, goes round or ends', async (t) => {
  function* turns({ x, y }: Box): Operation {
    yield* store(x, 7);
    yield* loop<number, void>(0, function* (turn) {
      yield* store(y, turn);
      return turn < 2 ? again(turn + 1) : undefined;
    });
    yield* store(x, 9);
  }
  const at = placesOf(one(turns));
  const [first, inLoop, last] = [0, 1, 2].map((nth) => at('store', 'turns', nth)) as [string, string, string];
  const plain = ['box->x = 7', 'box->y = 0', 'box->y = 1', 'box->y = 2', 'box->x = 9'];
  t.deepEqual(await stepsOf(one(turns), [{ kind: 'delay', at: first, past: [last] }]), plain);
  t.deepEqual(await stepsOf(one(turns), [{ kind: 'delay', at: inLoop, past: [last] }]), plain);
});

test('what tells the code something cannot be delayed', async (t) => {
  const at = placesOf(one(add));
  await t.throwsAsync(stepsOf(one(add), [{ kind: 'delay', at: at('load'), past: [at('store')] }]), {
    instanceOf: ModelError,
    message: /what a step tells comes at another time/,
  });
});

test('a step that is hastened comes before the one that it followed', async (t) => {
  const at = placesOf(one(add));
  const edit: Edit = { kind: 'hasten', at: at('store', 'add', 1), before: at('store', 'add', 0), replies: [null] };
  t.deepEqual(await stepsOf(one(add), [edit]), [
    'mutex_lock(&box->m)',
    'box->x',
    'box->y = 1',
    'box->x = 1',
    'mutex_unlock(&box->m)',
  ]);
});

/** A check before the lock is taken. */
function* check_then_lock({ x, y, m }: Box): Operation {
  const t = yield* load(x);
  yield* mutex_lock(m);
  if (t === 0) yield* store(y, 1);
  yield* mutex_unlock(m);
}

test('a lock is taken before a check, whatever that says', async (t) => {
  const at = placesOf(one(check_then_lock));
  const edit: Edit = { kind: 'hasten', at: at('mutex_lock'), before: at('load'), replies: [0, 4] };
  const edited = (x: number) => stepsOf(one(check_then_lock, { 'box.x': { value: x } }), [edit]);
  t.deepEqual(await edited(0), ['mutex_lock(&box->m)', 'box->x', 'box->y = 1', 'mutex_unlock(&box->m)']);
  t.deepEqual(await edited(4), ['mutex_lock(&box->m)', 'box->x', 'mutex_unlock(&box->m)']);
  t.deepEqual(await edited(5), ['mutex_lock(&box->m)', 'box->x', 'mutex_unlock(&box->m)']);
});

test('a step that depends on what comes before it cannot be hastened', async (t) => {
  const at = placesOf(one(check_then_lock));
  const edit: Edit = { kind: 'hasten', at: at('store'), before: at('mutex_lock'), replies: [null] };
  t.deepEqual((await stepsOf(one(check_then_lock), [edit]))[1], 'box->y = 1');
  function* checked({ x, y, n }: Box): Operation {
    if ((yield* load(x)) === 0) yield* store(y, 1);
    else yield* mutex_lock(n);
  }
  const there = placesOf(one(checked));
  const wrong: Edit = { kind: 'hasten', at: there('store'), before: there('load'), replies: [0, 1] };
  await t.throwsAsync(stepsOf(one(checked), [wrong]), { instanceOf: ModelError, message: /depends on what comes after it/ });
});

test('a lock is held over a function, and what the function does with it itself is left out', async (t) => {
  function* caller(box: Box): Operation {
    yield* callee(box);
    yield* store(box.x, 2);
  }
  function* callee({ x, y, m }: Box): Operation<number> {
    if ((yield* load(x)) === 1) return -1;
    yield* mutex_lock(m);
    yield* store(y, 1);
    yield* mutex_unlock(m);
    yield* store(y, 2);
    return 0;
  }
  const at = placesOf(one(caller));
  const whole: Edit = { kind: 'hold', ...M, from: at('load'), to: null };
  t.deepEqual(await stepsOf(one(caller), [whole]), [
    'mutex_lock(&box->m)',
    'box->x',
    'box->y = 1',
    'box->y = 2',
    'mutex_unlock(&box->m)',
    'box->x = 2',
  ]);
  t.deepEqual(await stepsOf(one(caller, { 'box.x': { value: 1 } }), [whole]), [
    'mutex_lock(&box->m)',
    'box->x',
    'mutex_unlock(&box->m)',
    'box->x = 2',
  ]);
});

test('a section is widened upwards to where its lock is taken, and downwards from where it is released', async (t) => {
  function* section({ x, y, m }: Box): Operation {
    yield* store(x, 1);
    yield* mutex_lock(m);
    yield* store(y, 1);
    yield* mutex_unlock(m);
    yield* store(x, 2);
    yield* store(y, 2);
  }
  const at = placesOf(one(section));
  const up: Edit = { kind: 'hold', ...M, from: at('store', 'section', 0), to: at('mutex_lock') };
  const down: Edit = { kind: 'hold', ...M, from: at('mutex_unlock'), to: at('store', 'section', 2) };
  t.deepEqual(await stepsOf(one(section), [up]), [
    'mutex_lock(&box->m)',
    'box->x = 1',
    'box->y = 1',
    'mutex_unlock(&box->m)',
    'box->x = 2',
    'box->y = 2',
  ]);
  t.deepEqual(await stepsOf(one(section), [up, down]), [
    'mutex_lock(&box->m)',
    'box->x = 1',
    'box->y = 1',
    'box->x = 2',
    'mutex_unlock(&box->m)',
    'box->y = 2',
  ]);
});

test('a lock that is held from within a loop is held to the end of the turn', async (t) => {
  function* turns({ x, y }: Box): Operation {
    yield* loop<number, void>(0, function* (turn) {
      yield* store(x, turn);
      yield* store(y, turn);
      return turn < 1 ? again(turn + 1) : undefined;
    });
    yield* store(x, 9);
  }
  const at = placesOf(one(turns));
  t.deepEqual(await stepsOf(one(turns), [{ kind: 'hold', ...M, from: at('store', 'turns', 1), to: null }]), [
    'box->x = 0',
    'mutex_lock(&box->m)',
    'box->y = 0',
    'mutex_unlock(&box->m)',
    'box->x = 1',
    'mutex_lock(&box->m)',
    'box->y = 1',
    'mutex_unlock(&box->m)',
    'box->x = 9',
  ]);
});

test('a lock that is held over a function is released before its caller enters a loop', async (t) => {
  function* first({ x }: Box): Operation {
    yield* store(x, 1);
  }
  function* caller(box: Box): Operation {
    yield* first(box);
    yield* loop<number, void>(0, function* (turn) {
      yield* store(box.y, turn);
      return turn < 1 ? again(turn + 1) : undefined;
    });
  }
  const at = placesOf(one(caller));
  t.deepEqual(await stepsOf(one(caller), [{ kind: 'hold', ...M, from: at('store', 'first'), to: null }]), [
    'mutex_lock(&box->m)',
    'box->x = 1',
    'mutex_unlock(&box->m)',
    'box->y = 0',
    'box->y = 1',
  ]);
});

test('steps are inserted before and after a step, or put in its place', async (t) => {
  const at = placesOf(one(add));
  const says = message<Field<number>, 'store'>('write', { path: 'box.y' }, 'store', { value: 7 });
  t.deepEqual(await stepsOf(one(add), [{ kind: 'insert', at: at('load'), where: 'before', message: says }]), [
    'mutex_lock(&box->m)',
    'store(&box->y, 7)',
    'box->x',
    'box->x = 1',
    'box->y = 1',
    'mutex_unlock(&box->m)',
  ]);
  t.deepEqual(await stepsOf(one(add), [{ kind: 'insert', at: at('mutex_unlock'), where: 'after', message: says }]), [
    'mutex_lock(&box->m)',
    'box->x',
    'box->x = 1',
    'box->y = 1',
    'mutex_unlock(&box->m)',
    'store(&box->y, 7)',
  ]);
  const trylock = message<Mutex, 'mutex_trylock'>({ kind: 'acquire', try: true }, { path: 'box.n' }, 'mutex_trylock');
  const hears = [
    [true, 40],
    [false, 50],
  ] as const;
  t.deepEqual(await stepsOf(one(add), [{ kind: 'replace', at: at('load'), by: trylock, hears }]), [
    'mutex_lock(&box->m)',
    'mutex_trylock(&box->n)',
    'box->x = 41',
    'box->y = 1',
    'mutex_unlock(&box->m)',
  ]);
});

test('down_write() is one statement: dropped with its wait, and delayed with it', async (t) => {
  function* writes({ x, s }: Box): Operation {
    yield* down_write(s);
    const seen = yield* load(x);
    yield* store(x, seen + 1);
    yield* up_write(s);
  }
  const two = variant({
    objects: { box },
    threads: ({ box }) => ({ a: [call(writes, box)], b: [call(writes, box)] }),
    expect: [],
  });
  const at = placesOf(two);
  t.deepEqual(await stepsOf(two, [{ kind: 'drop', at: [at('down_write')] }]), ['box->x', 'box->x', 'box->x = 1', 'box->x = 1']);
  t.deepEqual(await stepsOf(two, [{ kind: 'delay', at: at('down_write'), past: [at('load')] }]), [
    'box->x',
    'box->x',
    'down_write(&box->s)',
    'down_write(&box->s)',
    'box->x = 1',
    'up_write(&box->s)',
    'rwsem_down_write_slowpath(&box->s)',
    'box->x = 1',
    'up_write(&box->s)',
  ]);
});

test('edits are applied one after the other', async (t) => {
  const at = placesOf(one(add));
  const edits: readonly Edit[] = [
    { kind: 'drop', at: [at('mutex_lock')] },
    { kind: 'hold', take: [lock('box.n')], release: unlock('box.n'), from: at('load'), to: at('store') },
  ];
  t.deepEqual(await stepsOf(one(add), edits), [
    'mutex_lock(&box->n)',
    'box->x',
    'box->x = 1',
    'mutex_unlock(&box->n)',
    'box->y = 1',
  ]);
});

test('a lock that is left out in a loop and kept is no program', async (t) => {
  function* swaps({ x, m }: Box): Operation {
    yield* mutex_lock(m);
    yield* loop<number, void>(0, function* (turn) {
      yield* mutex_unlock(m);
      yield* store(x, turn);
      yield* mutex_lock(m);
      return turn < 2 ? again(turn + 1) : undefined;
    });
    yield* mutex_unlock(m);
  }
  const at = placesOf(one(swaps));
  await t.throwsAsync(stepsOf(one(swaps), [{ kind: 'drop', at: [at('mutex_lock', 'swaps', 1)] }]), {
    instanceOf: ModelError,
    message: /goes round/,
  });
  t.deepEqual(await stepsOf(one(swaps), [{ kind: 'drop', at: [at('mutex_lock', 'swaps', 0), at('mutex_lock', 'swaps', 1)] }]), [
    'box->x = 0',
    'box->x = 1',
    'box->x = 2',
  ]);
});

test('a lock that a call keeps cannot be left out', async (t) => {
  function* takes({ m }: Box): Operation {
    yield* mutex_lock(m);
  }
  const at = placesOf(one(takes));
  await t.throwsAsync(stepsOf(one(takes), [{ kind: 'drop', at: [at('mutex_lock')] }]), {
    instanceOf: ModelError,
    message: /that the call keeps/,
  });
});
