/** Numbers that were worked out by hand or are published: the plain search must meet each of them. */
import test from 'ava';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import type { Operation } from '../../actors/step.ts';
import { type Handle, struct } from '../../machines/object.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { call, local, variant } from '../../src/index.ts';
import { cells, checkTiny, increment, locked_increment } from '../helpers/tiny.ts';

const t = [local<number>('t0'), local<number>('t1')] as const;

test('two threads that each read x and write it back plus one have 13 states, 12 when what they read is forgotten', async (assert) => {
  // Before anyone ends: (start, start), then one or both have read, by who has written in between. A thread that has
  // read holds t = 0 or 1, and x is 0, 1 or 2.
  //   nobody written:  (-,-) (r0,-) (-,r0) (r0,r0)                                     4
  //   one has written: (w,-) (w,r0) (w,r1) and the same with the threads exchanged     6
  //   both: x=1 with t=(0,0); x=2 with t=(0,1) or (1,0)                                3, or 2 with t forgotten
  const kept = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(increment, o.cells).into(t[0])], b: [call(increment, o.cells).into(t[1])] }),
    expect: [],
  });
  const forgotten = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(increment, o.cells)], b: [call(increment, o.cells)] }),
    expect: [],
  });
  assert.is((await checkTiny(kept)).states, 13);
  assert.is((await checkTiny(forgotten)).states, 12);
});

test('under a lock they have 17, 16 when what they read is forgotten', async (assert) => {
  // One after the other: 4 steps of the first while the second waits at its start, then 4 steps of the second; who is
  // first matters until the end. 1 start + 2 * (4 + 3) before the end + 1 end = 16; t = (0,1) and (1,0) split the end.
  const kept = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(locked_increment, o.cells).into(t[0])], b: [call(locked_increment, o.cells).into(t[1])] }),
    expect: [],
  });
  const forgotten = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(locked_increment, o.cells)], b: [call(locked_increment, o.cells)] }),
    expect: [],
  });
  assert.is((await checkTiny(kept)).states, 17);
  assert.is((await checkTiny(forgotten)).states, 16);
});

const table = struct('table', { f0: mutex(), f1: mutex(), f2: mutex(), f3: mutex(), f4: mutex() });

function* dine(left: Handle<Mutex>, right: Handle<Mutex>, order: 'right first' | 'left first'): Operation {
  yield* mutex_lock(left);
  yield* mutex_lock(right);
  yield* mutex_unlock(order === 'right first' ? right : left);
  yield* mutex_unlock(order === 'right first' ? left : right);
}

const philosophers = (count: number, order: 'right first' | 'left first') =>
  variant({
    objects: { table },
    threads: ({ table: { f0, f1, f2, f3, f4 } }) => {
      const forks = [f0, f1, f2, f3, f4].slice(0, count);
      return Object.fromEntries(
        forks.map((fork, i) => [`p${i}`, [call(dine, fork, forks[(i + 1) % count] as Handle<Mutex>, order)]]),
      );
    },
    expect: [],
  });

for (const [count, states, otherOrder] of [
  [2, 19, 17],
  [3, 87, 75],
  [4, 391, 321],
  [5, 1743, 1363],
] as const)
  test(`${count} philosophers have ${states} states, ${otherOrder} with the other order of unlocking, and one deadlock`, async (assert) => {
    const right = await checkTiny(philosophers(count, 'right first'));
    const left = await checkTiny(philosophers(count, 'left first'));
    assert.is(right.states, states);
    assert.is(left.states, otherOrder);
    for (const result of [right, left]) {
      assert.deepEqual(
        result.findings.map(({ kind, preemptions, proven }) => [kind, preemptions, proven]),
        // The last takes its fork and is preempted; then each, from the last but one down, takes its own and waits for
        // its neighbour's, and to leave a thread that waits is no preemption. The circle of their locks comes to the same.
        [
          ['deadlock', 1, true],
          ['lock-order', 1, true],
        ],
      );
    }
  });
