/**
 * The objects that the checker puts beside those of a scenario: the allocation under each heap object, what a NULL
 * pointer leads to, and the environment.
 */
import { done, type Protocol, part, setupObject, splat } from './object.ts';

type Allocation = {
  kzalloc: { reply: { path: string } };
  touch: object;
};

const freedTwice = splat({ kind: 'double-free', text: 'it is freed twice', prints: 'BUG: KASAN: double-free', stops: true });
const usedAfterFree = splat({
  kind: 'use-after-free',
  text: 'it is used after it was freed',
  prints: 'BUG: KASAN: slab-use-after-free',
  stops: true,
});

const allocationMachine = (initial: 'unused' | 'live') =>
  setupObject<{ name: string }, Allocation>().createMachine({
    id: 'allocation',
    context: ({ input }) => input,
    initial,
    states: {
      unused: {
        on: {
          kzalloc: { target: 'live', actions: { type: 'answer', params: ({ context }) => ({ value: { at: context.name } }) } },
        },
      },
      live: { on: { touch: { actions: done }, kfree: { target: 'freed', actions: done } } },
      freed: { on: { touch: { actions: usedAfterFree }, kfree: { actions: freedTwice } } },
    },
  });

const live = allocationMachine('live');
const unused = allocationMachine('unused');

/**
 * The lifetime of one heap object. Who allocated it and who freed it comes from the trace, never from the state.
 * Left out: what the memory holds afterwards. KASAN reports the access and goes on; here the thread ends there,
 * because nothing true can be said about what it would do next.
 */
export const allocation = (name: string) => part<Allocation, { name: string }>(live, { name });
export const poolSlot = (name: string) => part<Allocation, { name: string }>(unused, { name });

const nullMachine = setupObject<object, Protocol>().createMachine({
  id: 'NULL',
  context: {},
  on: {
    '*': {
      actions: splat({
        kind: 'null-deref',
        text: 'a NULL pointer is followed',
        prints: 'BUG: kernel NULL pointer dereference',
        stops: true,
      }),
    },
  },
});

export const nullPage = part<Protocol, object>(nullMachine, {});

type Environment = {
  choose: { with: { what: string; way: string } };
  might_sleep: object;
  WARN: { with: { text: string } };
  BUG: { with: { text: string } };
};

const environmentMachine = setupObject<object, Environment>().createMachine({
  id: 'environment',
  context: {},
  on: {
    choose: { actions: done },
    might_sleep: { actions: done },
    WARN: {
      actions: {
        type: 'splat',
        params: ({ event }) => ({ kind: 'warn' as const, text: event.text, prints: `WARNING: ${event.text}` }),
      },
    },
    BUG: {
      actions: {
        type: 'splat',
        params: ({ event }) => ({ kind: 'bug' as const, text: event.text, prints: `kernel BUG: ${event.text}`, stops: true }),
      },
    },
  },
});

/** What the kernel does not decide, and the log to which it complains. */
export const environment = part<Environment, object>(environmentMachine, {});
