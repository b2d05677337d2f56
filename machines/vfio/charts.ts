/**
 * Lifecycles that the kernel keeps in no field of its own.
 *
 * A chart is a ghost: it moves in the same step as the access that means it, no kernel code reads it, and it takes
 * every event in every state, so that it neither blocks nor adds a step. What it makes of a wrong order is to stay
 * where it is: the parts that kernel code does read are the ones that complain.
 */
import { assign } from 'xstate';
import { done, part, setupObject } from '../object.ts';

/** The protocol of a chart: each event is an access of the kernel to something else, seen from here. */
export type Chart<E extends string> = { readonly [K in E]: object };

type Moves<S extends string, E extends string> = { readonly [From in S]: { readonly [K in E]?: S } };

/** Scenarios that begin in the middle of a life say so in `start`: `{ 'device.chart': { initially: 'registered' } }`. */
export interface Begins<S extends string> {
  readonly initially: S;
}

export const chart = <S extends string, E extends string>(id: string, initially: S, moves: Moves<S, E>) => {
  const names = Object.keys(moves) as S[];
  const machine = setupObject<Begins<S>, Chart<E>>().createMachine({
    id,
    context: ({ input }) => input,
    initial: 'start',
    on: { '*': { actions: done } },
    states: {
      start: { always: names.map((target) => ({ guard: ({ context }) => context.initially === target, target })) },
      ...Object.fromEntries(
        names.map((from) => [
          from,
          {
            on: Object.fromEntries(
              Object.entries<S | undefined>(moves[from]).map(([event, target]) => [event, { target, actions: done }]),
            ),
          },
        ]),
      ),
    },
  });
  return () => part<Chart<E>, Begins<S>>(machine, { initially });
};

type ContainerState = 'empty' | 'attached' | 'iommu_set';
export type ContainerEvent = 'attached' | 'detached' | 'iommu_set' | 'iommu_released';
type ContainerContext = Begins<ContainerState> & { readonly groups: number };

/**
 * struct vfio_container: `empty → attached → iommu_set`, and back when the last group leaves. With several groups it is
 * `attached` from the first that comes to the last that goes, which is why it counts them.
 */
const containerMachine = setupObject<ContainerContext, Chart<ContainerEvent>>()
  .extend({
    guards: {
      isLast: ({ context }) => context.groups <= 1,
      none: ({ context }) => context.groups === 0,
      beginsEmpty: ({ context }) => context.initially === 'empty',
      beginsAttached: ({ context }) => context.initially === 'attached',
    },
    actions: {
      join: assign({ groups: ({ context }) => context.groups + 1 }),
      leave: assign({ groups: ({ context }) => Math.max(0, context.groups - 1) }),
    },
  })
  .createMachine({
    id: 'vfio_container',
    context: ({ input }) => input,
    initial: 'start',
    on: { '*': { actions: done }, attached: { actions: ['join', done] }, detached: { actions: ['leave', done] } },
    states: {
      start: {
        always: [
          { guard: 'beginsEmpty', target: 'empty' },
          { guard: 'beginsAttached', target: 'attached' },
          { target: 'iommu_set' },
        ],
      },
      empty: { on: { attached: { target: 'attached', actions: ['join', done] } } },
      attached: {
        on: {
          iommu_set: { target: 'iommu_set', actions: done },
          detached: [{ guard: 'isLast', target: 'empty', actions: ['leave', done] }, { actions: ['leave', done] }],
        },
      },
      iommu_set: {
        on: {
          iommu_released: [
            { guard: 'none', target: 'empty', actions: done },
            { target: 'attached', actions: done },
          ],
        },
      },
    },
  });
export const containerChart = () =>
  part<Chart<ContainerEvent>, ContainerContext>(
    containerMachine,
    { initially: 'empty', groups: 0 },
    { range: ({ groups }) => groups <= 16 },
  );
