/**
 * The migration region as it was merged (include/uapi/linux/vfio.h, v5.8; gone in v5.18): which states there are, and which
 * may follow which. The registers for dirty pages went to the IOMMU driver.
 */
import { assign } from 'xstate';
import { done, part, setupObject, splat } from '../../object.ts';
import type { Field } from '../../sync/field.ts';
import { migrationRegion } from '../rfc-2019-12/migration.ts';

/**
 * By the value of device_state. Of the others none can be written: 101 and 111 mean nothing, and 110 is the error state, in
 * which a driver puts a device whose transition has failed; none fails here.
 */
export const STATES: Readonly<Record<number, string>> = {
  0: 'stop',
  1: 'running',
  2: 'stop_and_copy',
  3: 'pre_copy',
  4: 'resuming',
};

/** What the comment in the header draws: shutting down, saving, saving live, resuming. */
export const ARCS: readonly (readonly [from: string, to: string])[] = [
  ['running', 'stop'],
  ['running', 'pre_copy'],
  ['running', 'stop_and_copy'],
  ['running', 'resuming'],
  ['pre_copy', 'stop_and_copy'],
  ['stop_and_copy', 'stop'],
  ['resuming', 'running'],
];

const noArc = splat({ kind: 'invariant', text: 'the state of the device changes along no arc', prints: null });

type Context = { value: number };
const numberOf = (name: string): number => Number(Object.keys(STATES).find((value) => STATES[Number(value)] === name));

const machine = setupObject<Context, Field<number>>()
  .extend({
    guards: Object.fromEntries(
      Object.values(STATES).map((name) => [
        `to ${name}`,
        ({ event }: { event: { type: string; value?: number } }) => event.value === numberOf(name),
      ]),
    ),
    actions: { set: assign({ value: ({ context, event }) => (event.type === 'store' ? event.value : context.value) }) },
  })
  .createMachine({
    id: 'device_state@v5.8',
    context: ({ input }) => input,
    initial: 'start',
    on: {
      load: { actions: { type: 'answer', params: ({ context }) => ({ value: context.value }) } },
      store: { actions: noArc },
    },
    states: {
      start: {
        always: Object.values(STATES).map((target) => ({
          guard: ({ context }: { context: Context }) => context.value === numberOf(target),
          target,
        })),
      },
      ...Object.fromEntries(
        Object.values(STATES).map((from) => [
          from,
          {
            on: {
              store: [
                { guard: `to ${from}`, actions: done },
                ...ARCS.filter(([at]) => at === from).map(([, to]) => ({
                  guard: `to ${to}`,
                  target: to,
                  actions: ['set', done],
                })),
                { actions: noArc },
              ],
            },
          },
        ]),
      ),
    },
  });

export const migration_region = migrationRegion(part<Field<number>, Context>(machine, { value: 1 }));
