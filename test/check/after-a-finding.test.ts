/** What a finding leads to is searched as well, and told apart: also what then goes on for ever. */
import test from 'ava';
import { again, loop, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion_timeout } from '../../actors/sync/completion.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_dec_and_test } from '../../actors/sync/refcount.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { checkTiny, summaries } from '../helpers/tiny.ts';

const device = struct('device', { lock: mutex(), refs: refcount(1), gone: completion() });
type Device = HandleTo<typeof device>;

function* remove({ lock, refs, gone }: Device, times: number): Operation {
  yield* mutex_lock(lock);
  for (let i = 0; i < times; i++) {
    if (yield* refcount_dec_and_test(refs)) yield* complete(gone);
    yield* loop(null, function* () {
      return (yield* wait_for_completion_timeout(gone)) > 0 ? undefined : again(null);
    });
  }
  yield* mutex_unlock(lock);
}
function* look({ lock }: Device): Operation {
  yield* mutex_lock(lock);
  yield* mutex_unlock(lock);
}

const removed = (times: number, more: { readonly leadsToNothing?: true } = {}): Variant =>
  variant({
    ...more,
    objects: { device },
    threads: (o) => ({ remover: [call(remove, o.device, times)], other: [call(look, o.device)] }),
    expect: [],
  });

test('who puts once more than it may waits for good, and so does who comes after', async (t) => {
  const result = await checkTiny(removed(2));
  t.deepEqual(summaries(result), ['refcount device.refs refcount_dec_and_test..refcount_dec_and_test']);
  t.deepEqual(summaries({ findings: result.consequences }), [
    'starvation device.gone wait_for_completion..wait_for_completion',
    'hung-task device.lock mutex_lock..mutex_lock',
  ]);
  for (const { trace, loopFrom } of result.consequences) t.true((loopFrom ?? Infinity) <= (trace?.steps.length ?? 0));
});

test('who puts as often as it may does not', async (t) => {
  const result = await checkTiny(removed(1));
  t.deepEqual([...result.findings, ...result.consequences], []);
});

test('where nothing may come after a finding, what does is one as well', async (t) => {
  const result = await checkTiny(removed(2, { leadsToNothing: true }));
  t.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['refcount', 'starvation', 'hung-task'],
  );
  t.deepEqual(result.consequences, []);
});
