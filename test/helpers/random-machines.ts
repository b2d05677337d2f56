/** Generated machines: a table says what each event does where the object has a value, which is kept in two fields. */
import * as fc from 'fast-check';
import { assign } from 'xstate';
import { type Protocol, setupObject } from '../../machines/object.ts';

/** What an event does where the object has this value; null: it must wait. */
export type Effect = { readonly to: number; readonly reply: number; readonly splat: 'none' | 'warn' | 'oops' } | null;
/** By event and value. */
export type Table = readonly (readonly Effect[])[];

interface Chances {
  readonly values: number;
  readonly events: number;
  /** For each effect that complains, so many do not; null where none may. */
  readonly quiet: number | null;
  /** For each effect that must wait, so many do not. */
  readonly goesOn: number;
}

export function tables({ values, events, quiet, goesOn }: Chances): fc.Arbitrary<Table> {
  const none = fc.constant('none' as const);
  const complains = { weight: 1, arbitrary: fc.constantFrom('warn' as const, 'oops' as const) };
  const splat = quiet === null ? none : fc.oneof({ weight: quiet, arbitrary: none }, complains);
  const effect = fc.option(fc.record({ to: fc.nat(values - 1), reply: fc.nat(1), splat }), { freq: goesOn });
  const row = fc.array(effect, { minLength: values, maxLength: values });
  return fc.array(row, { minLength: events, maxLength: events });
}

export interface Fields {
  readonly low: number;
  readonly high: number;
}
type Seen = { readonly context: Fields };

export const textOf = (object: number, event: number): string => `o${object} e${event}`;

/** Each effect depends on both fields. */
export function machineOf(object: number, rows: Table) {
  const at = ({ context }: Seen, event: number): Effect => rows[event]?.[context.high * 2 + context.low] ?? null;
  const transition = (event: number, splat: 'none' | 'warn' | 'oops') => ({
    guard: (seen: Seen) => at(seen, event)?.splat === splat,
    actions: [
      { type: 'answer', params: (seen: Seen) => ({ value: at(seen, event)?.reply ?? null }) },
      ...(splat === 'none' ? [] : [{ type: 'splat', params: complaint(textOf(object, event), splat === 'oops') }]),
      assign({
        low: (seen: Seen) => (at(seen, event)?.to ?? 0) % 2,
        high: (seen: Seen) => Math.floor((at(seen, event)?.to ?? 0) / 2),
      }),
    ],
  });
  const splats = ['none', 'warn', 'oops'] as const;
  const on = Object.fromEntries(rows.map((_, event) => [`e${event}`, splats.map((splat) => transition(event, splat))]));
  const config = { id: `random${object}`, context: ({ input }: { input: object }) => input, on };
  return setupObject<Fields, Protocol>().createMachine(config as never);
}

const complaint = (text: string, stops: boolean) => ({ kind: 'warn', text, prints: 'WARNING', ...(stops ? { stops } : {}) });
