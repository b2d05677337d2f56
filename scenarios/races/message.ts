/**
 * One thread writes data and then raises a flag; the other reads the data if it sees the flag. The two never stand before
 * the data at once, for the reader comes there only when the writer has left: and yet nothing orders the accesses. A
 * compiler or a CPU may take the write of the data behind that of the flag, or the read of the data before that of the
 * flag. To mark the flag mends the race on the flag, not that on the data; a release and an acquire mend both.
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, READ_ONCE, smp_load_acquire, smp_store_release, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import type { Operation } from '../../actors/step.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { call, defineScenario, type Variant, variant } from '../../src/index.ts';

const mailbox = struct('mailbox', { data: field<number>(0), full: field<boolean>(false), filled: completion() });
interface Mailbox extends HandleTo<typeof mailbox> {}

const fills = (raise: typeof store) =>
  function* mailbox_fill({ data, full }: Mailbox): Operation {
    yield* store(data, 1);
    yield* raise(full, true);
  };

const takes = (look: typeof load) =>
  function* mailbox_take({ data, full }: Mailbox): Operation<number> {
    return (yield* look(full)) ? yield* load(data) : -11;
  };

function* mailbox_fill_and_complete({ data, filled }: Mailbox): Operation {
  yield* store(data, 1);
  yield* complete(filled);
}

function* mailbox_wait_and_take({ data, filled }: Mailbox): Operation<number> {
  yield* wait_for_completion(filled);
  return yield* load(data);
}

type Code = (it: Mailbox) => Operation<unknown>;
const race = (object: string) => ({ kind: 'data-race', object, between: ['load', 'store'] }) as const;

const design = (summary: string, fill: Code, take: Code, ...racy: readonly string[]): Variant =>
  variant({
    summary,
    objects: { mailbox },
    threads: ({ mailbox }) => ({ writer: [call(fill, mailbox)], reader: [call(take, mailbox)] }),
    races: true,
    expect: racy.map(race),
  });

export default defineScenario({
  name: 'message',
  summary: 'Data is handed over by a flag that orders nothing',
  source: 'tools/memory-model/Documentation/recipes.txt, "Message passing"',
  covers: [],
  tags: ['races'],
  variants: {
    plain: design('The flag is plain.', fills(store), takes(load), 'mailbox.data', 'mailbox.full'),
    marked: design('The flag is marked, and orders nothing.', fills(WRITE_ONCE), takes(READ_ONCE), 'mailbox.data'),
    release: design('smp_store_release() and smp_load_acquire().', fills(smp_store_release), takes(smp_load_acquire)),
    completion: design('The reader waits for a completion.', mailbox_fill_and_complete, mailbox_wait_and_take),
  },
});
