/**
 * Data races by happens-before: two accesses to one field, one a write, one plain, that no synchronisation orders on some
 * trace. The accesses need not be next to each other in any state: who reads the flag before the data never stands before
 * the read while the write is still to come, and yet nothing orders the two.
 */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { kfree } from '../../actors/step.ts';
import { complete, complete_all, reinit_completion, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { call_rcu, rcu_callbacks } from '../../actors/sync/rcu.ts';
import { down_read, up_read } from '../../actors/sync/rwsem.ts';
import { type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { type Field, field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rcu_state } from '../../machines/sync/rcu.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { call, daemon, type Variant, variant } from '../../src/index.ts';
import { traced } from '../helpers/traced.ts';

const box = struct('box', {
  data: field<number>(0),
  flag: field<number>(0),
  m: mutex(),
  done: completion(),
  sem: rwsem(),
  rcu: rcu_state(),
  head: field<string>(''),
});
type Box = HandleTo<typeof box>;
type Code = (box: Box) => Operation<unknown>;

const of = (a: Code, b: Code): Variant =>
  variant({ objects: { box }, threads: (o) => ({ a: [call(a, o.box)], b: [call(b, o.box)] }), expect: [] });

/** In a line each: the object, and the two steps. */
function racesOf(design: Variant): readonly string[] {
  const { races, judge } = traced(design);
  const faults = races.map(({ slot, accesses }) => judge.ofRace(slot, accesses));
  return [
    ...new Set(
      faults.map(
        ({ object, sites }) =>
          `${object} ${sites
            .map(({ event }) => event)
            .toSorted()
            .join(' ')}`,
      ),
    ),
  ].toSorted();
}

type Write = (to: Handle<Field<number>>, value: number) => Operation;
type Read = (from: Handle<Field<number>>) => Operation<number>;
const sends = (write: Write, raise: Write): Code =>
  function* ({ data, flag }) {
    yield* write(data, 1);
    yield* raise(flag, 1);
  };
const takes = (look: Read, read: Read): Code =>
  function* ({ data, flag }) {
    if ((yield* look(flag)) === 1) yield* read(data);
  };

for (const [what, a, b, races] of [
  ['a plain flag: the flag and the data', sends(store, store), takes(load, load), ['box.data load store', 'box.flag load store']],
  ['a marked flag, which orders nothing: the data', sends(store, WRITE_ONCE), takes(READ_ONCE, load), ['box.data load store']],
  ['everything marked: nothing', sends(WRITE_ONCE, WRITE_ONCE), takes(READ_ONCE, READ_ONCE), []],
  ['the write alone plain', sends(store, WRITE_ONCE), takes(READ_ONCE, READ_ONCE), ['box.data load store']],
  ['the read alone plain', sends(WRITE_ONCE, WRITE_ONCE), takes(READ_ONCE, load), ['box.data load store']],
] as const)
  test(`a message is passed with ${what}`, (t) => {
    t.deepEqual(racesOf(of(a, b)), races);
  });

const between = (enter: Code, body: Code, leave: Code): Code =>
  function* (it) {
    yield* enter(it);
    yield* body(it);
    yield* leave(it);
  };
const bump: Code = function* ({ data }) {
  yield* store(data, (yield* load(data)) + 1);
};
const lock: Code = ({ m }) => mutex_lock(m);
const unlock: Code = ({ m }) => mutex_unlock(m);

test('a lock orders what is done under it', (t) => {
  t.deepEqual(racesOf(of(between(lock, bump, unlock), between(lock, bump, unlock))), []);
  t.deepEqual(racesOf(of(between(lock, bump, unlock), bump)), ['box.data load store', 'box.data store store']);
});

test('two readers of a semaphore do not exclude each other', (t) => {
  const read = between(
    ({ sem }) => down_read(sem),
    bump,
    ({ sem }) => up_read(sem),
  );
  t.deepEqual(racesOf(of(read, read)), ['box.data load store', 'box.data store store']);
});

test('who tries for a lock and is refused is ordered by nothing, and who gets it is ordered after who had it', (t) => {
  const before: Code = function* ({ data, flag, m }) {
    yield* store(data, 1);
    yield* mutex_lock(m);
    yield* mutex_unlock(m);
    yield* WRITE_ONCE(flag, 1);
    yield* mutex_lock(m);
    yield* mutex_unlock(m);
  };
  // The flag says that the lock was let go once since the write; it orders nothing itself.
  const tries = (readsWhen: boolean): Code =>
    function* ({ m, flag, data }) {
      if ((yield* READ_ONCE(flag)) === 0) return;
      const isGranted = yield* mutex_trylock(m);
      if (isGranted === readsWhen) yield* load(data);
      if (isGranted) yield* mutex_unlock(m);
    };
  t.deepEqual(racesOf(of(before, tries(false))), ['box.data load store']);
  t.deepEqual(racesOf(of(before, tries(true))), []);
});

test('a completion orders what was done before it with what is done after the wait for it, and not the other way round', (t) => {
  const first: Code = function* ({ data, done }) {
    yield* store(data, 1);
    yield* complete(done);
  };
  const late: Code = function* ({ data, done }) {
    yield* complete(done);
    yield* store(data, 1);
  };
  const waits: Code = function* ({ data, done }) {
    yield* wait_for_completion(done);
    yield* load(data);
  };
  t.deepEqual(racesOf(of(first, waits)), []);
  t.deepEqual(racesOf(of(late, waits)), ['box.data load store']);
});

test('to make a completion new is a plain write, and races with who completes it', (t) => {
  const renews: Code = ({ done }) => reinit_completion(done);
  t.deepEqual(racesOf(of(renews, ({ done }) => complete(done))), ['box.done complete reinit_completion']);
});

test('what is queued for a grace period is ordered with the callback, though to queue it is neither a signal nor a release', (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box: it }) => ({
      a: [
        call(function* (o: Box) {
          yield* store(o.data, 1);
          yield* call_rcu(o.rcu, o.head, 'reads');
        }, it),
      ],
      callbacks: daemon([call((o: Box) => rcu_callbacks(o.rcu, { reads: (entry) => load((entry as Box).data) }), it)]),
    }),
    expect: [],
  });
  t.deepEqual(racesOf(design), []);
});

test('an access to memory that is freed is a use after free, and no race', (t) => {
  t.deepEqual(
    racesOf(
      of(
        (it) => kfree(it),
        ({ data }) => load(data),
      ),
    ),
    [],
  );
});

test('the way to a race ends with the later access, and leaves out what bears on neither', (t) => {
  const also: Code = function* ({ flag, data }) {
    yield* WRITE_ONCE(flag, 1);
    yield* load(data);
  };
  const design = variant({
    objects: { box, other: box },
    threads: (o) => ({
      a: [call(also, o.box)],
      b: [call(bump, o.other)],
      c: [
        call(function* ({ data }: Box) {
          yield* store(data, 1);
        }, o.box),
      ],
    }),
    expect: [],
  });
  const { races } = traced(design);
  t.deepEqual(
    races.map(({ primary, threads, way }) => [
      primary,
      threads.toSorted((a, b) => a - b),
      way()
        .map(({ thread }) => thread)
        .toSorted((a, b) => a - b),
    ]),
    [[true, [0, 2], [0, 0, 2]]],
  );
});

test('a kernel names the two functions by the alphabet', (t) => {
  function* writer({ data }: Box): Operation {
    yield* store(data, 1);
  }
  function* reader({ data }: Box): Operation {
    yield* load(data);
  }
  const { judge, races } = traced(of(writer, reader));
  const [race] = races;
  const fault = race && judge.ofRace(race.slot, race.accesses);
  t.is(fault?.kind, 'data-race');
  t.is(fault?.prints, 'BUG: KCSAN: data-race in reader / writer');
  t.deepEqual(fault?.sites.map((site) => site.function).toSorted(), ['reader', 'writer']);
});

test('a release that changes nothing may come before or after who acquires from it', (t) => {
  // Another has completed it for all; the flag says no more than that the data was written.
  const design = variant({
    objects: { box },
    threads: ({ box: it }) => ({
      writes: [
        call(function* ({ data, flag, done }: Box) {
          yield* store(data, 1);
          yield* WRITE_ONCE(flag, 1);
          yield* complete_all(done);
        }, it),
      ],
      reads: [
        call(function* ({ data, flag, done }: Box) {
          if ((yield* READ_ONCE(flag)) === 0) return;
          yield* wait_for_completion(done);
          yield* load(data);
        }, it),
      ],
      completes: [call(complete_all, it.done)],
    }),
    expect: [],
  });
  t.deepEqual(racesOf(design), ['box.data load store']);
});
