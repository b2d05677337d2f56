/**
 * Whoever drops the last reference tears the object down, and reads what others have written to it while they had theirs.
 * Nothing but the count orders that: refcount_dec_and_test() is a release for each of them and an acquire for the last. So
 * there is no race, and no lock is needed.
 *
 * A count that is taken down by atomic_dec() and looked at by atomic_read() has neither: it tells that the others are done,
 * and not what they have done.
 */
import { kfree, type Operation } from '../../actors/step.ts';
import { atomic_dec, atomic_dec_return, atomic_read } from '../../actors/sync/atomic.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { refcount_dec_and_test } from '../../actors/sync/refcount.ts';
import { type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { type Atomic, atomic } from '../../machines/sync/atomic.ts';
import { field } from '../../machines/sync/field.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { call, defineScenario, variant } from '../../src/index.ts';

const job = struct('job', { refs: refcount(2), pending: atomic(1), status: field<number>(0) });
interface Job extends HandleTo<typeof job> {}

function* job_put(job: Job): Operation {
  if (!(yield* refcount_dec_and_test(job.refs))) return;
  yield* load(job.status);
  yield* kfree(job);
}

function* job_finish(job: Job): Operation {
  yield* store(job.status, 5);
  yield* job_put(job);
}

const finishes = (dec: (v: Handle<Atomic>) => Operation<unknown>) =>
  function* job_done({ status, pending }: Job): Operation {
    yield* store(status, 5);
    yield* dec(pending);
  };

function* job_poll({ pending, status }: Job): Operation<number> {
  return (yield* atomic_read(pending)) === 0 ? yield* load(status) : -115;
}

const race = { kind: 'data-race', object: 'job.status', between: ['load', 'store'] } as const;

export default defineScenario({
  name: 'last-put',
  summary: 'Who drops the last reference reads what the others have written',
  source: 'Documentation/core-api/refcount-vs-atomic.rst; Documentation/atomic_t.txt',
  covers: [],
  tags: ['races'],
  variants: {
    refcount: variant({
      summary: 'refcount_dec_and_test().',
      objects: { job },
      threads: ({ job }) => ({ worker: [call(job_finish, job)], owner: [call(job_put, job)] }),
      races: true,
      expect: [],
    }),
    counter: variant({
      summary: 'atomic_dec() and atomic_read().',
      objects: { job },
      threads: ({ job }) => ({ worker: [call(finishes(atomic_dec), job)], owner: [call(job_poll, job)] }),
      expect: [race],
    }),
    'counter-ordered': variant({
      summary: 'atomic_dec_return() is fully ordered; the atomic_read() on the other side is not.',
      objects: { job },
      threads: ({ job }) => ({ worker: [call(finishes(atomic_dec_return), job)], owner: [call(job_poll, job)] }),
      expect: [race],
    }),
  },
});
