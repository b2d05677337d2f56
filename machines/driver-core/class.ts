import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';
import { EEXIST, ENOENT } from '../sync/errno.ts';

/**
 * struct class (drivers/base/core.c): the devices that it has, by number and by name. Their names are directories of one
 * parent in sysfs, so that each is taken once; device_create() of one that is taken complains and fails.
 *
 * Creating is one step: of what it does, others see the name and the node, and VFIO holds a lock around it.
 */
export type Class = {
  device_create: { with: { devt: number; name: string }; reply: number };
  device_destroy: { with: { devt: number } };
  /** The number of the node of that name, or -ENOENT. */
  path_lookupat: { with: { name: string }; reply: number };
};

type Devices = { readonly of: string; readonly nodes: { readonly [devt: number]: string } };

const numberOf = ({ nodes }: Devices, name: string): number | undefined => {
  const [devt] = Object.entries(nodes).find((node) => node[1] === name) ?? [];
  return devt === undefined ? undefined : Number(devt);
};

const classMachine = setupObject<Devices, Class>()
  .extend({
    guards: {
      isTaken: ({ context, event }) =>
        event.type === 'device_create' && Object.values(context.nodes).some((name) => name === event.name),
    },
    actions: {
      create: assign(({ context, event }) =>
        event.type === 'device_create' ? { nodes: { ...context.nodes, [event.devt]: event.name } } : {},
      ),
      destroy: assign(({ context, event }) => {
        if (event.type !== 'device_destroy') return {};
        const { [event.devt]: _gone, ...nodes } = context.nodes;
        return { nodes };
      }),
    },
  })
  .createMachine({
    id: 'class',
    context: ({ input }) => input,
    on: {
      device_create: [
        {
          guard: 'isTaken',
          actions: [
            {
              type: 'splat',
              params: ({ context, event }) => ({
                kind: 'warn' as const,
                text: `the name ${event.name} is taken`,
                prints: `sysfs: cannot create duplicate filename '/devices/virtual/${context.of}/${event.name}'`,
              }),
            },
            reply(-EEXIST),
          ],
        },
        { actions: ['create', reply(0)] },
      ],
      device_destroy: { actions: ['destroy', done] },
      path_lookupat: {
        actions: { type: 'answer', params: ({ context, event }) => ({ value: numberOf(context, event.name) ?? -ENOENT }) },
      },
    },
  });
export const class_create = (name: string) => part<Class, Devices>(classMachine, { of: name, nodes: {} });
