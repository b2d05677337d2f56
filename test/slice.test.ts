import test from 'ava';
import { type HandleTo, struct, globals } from '../machines/object.ts';
import { mutex } from '../machines/sync/mutex.ts';
import { refcount } from '../machines/sync/refcount.ts';
import { field } from '../machines/sync/field.ts';
import { mutex_lock, mutex_unlock } from '../actors/sync/mutex.ts';
import { refcount_read, refcount_set, refcount_inc_not_zero, refcount_dec_and_test } from '../actors/sync/refcount.ts';
import { load, store } from '../actors/sync/memory.ts';
import { kfree, type Operation } from '../actors/step.ts';
import { call, defineScenario, local, variant } from '../src/model/scenario.ts';
import { checkVariant } from '../src/check/check.ts';

const vfio = globals('vfio', { device_lock: mutex() });
const device = struct('device', { refcount: refcount(), minor: field<number>(-1), lock: mutex() });
type Vfio = HandleTo<typeof vfio>;
type Device = HandleTo<typeof device>;
function* register_a(device: Device): Operation<number> {
  yield* mutex_lock(device.lock);
  if ((yield* refcount_read(device.refcount)) === 0) yield* refcount_set(device.refcount, 1);
  yield* mutex_unlock(device.lock);
  return 0;
}
function* register_b(vfio: Vfio, device: Device): Operation<number> {
  yield* mutex_lock(vfio.device_lock);
  if ((yield* refcount_read(device.refcount)) === 0) yield* refcount_set(device.refcount, 1);
  yield* store(device.minor, 1);
  yield* mutex_unlock(vfio.device_lock);
  return 0;
}
function* open(vfio: Vfio, device: Device): Operation<number> {
  yield* mutex_lock(vfio.device_lock);
  const got = yield* refcount_inc_not_zero(device.refcount);
  yield* mutex_unlock(vfio.device_lock);
  return got ? 0 : -19;
}
function* close(device: Device): Operation {
  if (yield* refcount_dec_and_test(device.refcount)) yield* kfree(device);
}
function* get(device: Device): Operation<number> { return yield* load(device.minor); }
const opened = local<number>('opened');
const s = defineScenario({
  name: 'slice', summary: '', source: '', covers: [], tags: [],
  variants: {
    rfc: variant({
      objects: { vfio, device },
      threads: ({ vfio, device }) => ({
        a: [call(register_a, device)],
        b: [call(register_b, vfio, device), call(get, device)],
        user: [call(open, vfio, device).into(opened), call(close, device).ifOk(opened)],
      }),
      always: { 'no negative': ({ device }) => device.refcount.n >= 0 },
      sometimes: { both: ({ next }) => next('a') === 'refcount_set' && next('b') === 'refcount_set' },
      expect: [{ kind: 'refcount', object: 'device.refcount', between: ['refcount_read', 'refcount_set'] }],
    }),
  },
});
test('slice', async (t) => {
  const r = await checkVariant(s, 'rfc', { maxStates: 1e6 });
  console.log(r.outcome, r.states, r.steps, r.seconds, r.questions, r.sometimes, r.missing);
  for (const f of [...r.findings, ...r.consequences]) console.log(f.id, f.expected, f.message, f.object, f.pair, f.preemptions, f.proven, f.symptom, f.trace?.steps.map((s) => `${s.thread} ${s.functions.join('>')} ${s.c} ${JSON.stringify(s.reply)} ${s.place?.line}`));
  t.pass();
});
