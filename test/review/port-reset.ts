/** A small design with a question, for reviews: two open a port, and an admin resets it. */
import {
  type HandleTo,
  kfree,
  mutex,
  mutex_lock,
  mutex_unlock,
  type Operation,
  refcount,
  refcount_dec_and_test,
  refcount_inc,
  refcount_inc_not_zero,
  store,
  struct,
  field,
  load,
} from '../../actors/primitives.ts';
import { call, defineScenario, type Scenario, variant } from '../../src/index.ts';

const port = struct('port', {
  lock: mutex(),
  users: field<number>(0),
  speed: field<number>(0),
  refs: refcount(1),
  table: mutex(),
});
interface Port extends HandleTo<typeof port> {}

function* port_open({ lock, table, users, speed }: Port): Operation<number> {
  yield* mutex_lock(lock);
  yield* store(users, (yield* load(users)) + 1);
  yield* mutex_lock(table);
  yield* load(speed);
  yield* mutex_unlock(table);
  yield* mutex_unlock(lock);
  return 0;
}
function* port_set_speed({ table, speed }: Port): Operation {
  yield* mutex_lock(table);
  yield* store(speed, 9600);
  yield* mutex_unlock(table);
}
function* port_reset({ table, users, speed }: Port): Operation {
  yield* mutex_lock(table);
  yield* store(speed, 0);
  yield* mutex_unlock(table);
  yield* store(users, 0);
}
function* port_put(port: Port): Operation {
  if (yield* refcount_dec_and_test(port.refs)) yield* kfree(port);
}
function* port_get_blindly({ refs }: Port): Operation {
  yield* refcount_inc(refs);
}
function* port_get({ refs }: Port): Operation<boolean> {
  return yield* refcount_inc_not_zero(refs);
}

export const portReset: Scenario = defineScenario({
  name: 'port-reset',
  summary: 'A reset forgets who has the port open',
  source: 'this test',
  covers: [],
  tags: [],
  question: {
    asks: 'Can a reset come between who opens the port?',
    answeredBy: [
      { variant: 'careful', said: 'while nobody resets it', roles: { opener: ['first', 'second'] } },
      { variant: 'reset', said: 'if an admin resets it', shownBy: { kind: 'end-state', object: 'port.users' } },
    ],
    merged: 'careful',
  },
  variants: {
    careful: variant({
      summary: 'Opened by two, while the speed is set.',
      objects: { port },
      threads: ({ port }) => ({
        first: [call(port_open, port)],
        second: [call(port_open, port)],
        admin: [call(port_set_speed, port)],
      }),
      expect: [],
    }),
    reset: variant({
      assumes: 'The reset is a call of its own, which no lock of the callers keeps out.',
      objects: { port },
      threads: ({ port }) => ({
        first: [call(port_open, port)],
        second: [call(port_open, port)],
        admin: [call(port_reset, port)],
      }),
      atEnd: { 'all opens are counted': ({ port }) => port.users.value === 2 },
      expect: [{ kind: 'end-state', object: 'port.users' }],
    }),
    blind: variant({
      objects: { port },
      threads: ({ port }) => ({ user: [call(port_get_blindly, port)], remover: [call(port_put, port)] }),
      expect: [
        { kind: 'use-after-free', object: 'port' },
        { kind: 'refcount', object: 'port.refs' },
      ],
    }),
    seeing: variant({
      objects: { port },
      threads: ({ port }) => ({ user: [call(port_get, port)], remover: [call(port_put, port)] }),
      expect: [{ kind: 'use-after-free', object: 'port' }],
    }),
  },
});
