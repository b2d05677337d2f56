/** What a variant must keep to, as far as it can be seen without running it. */
import { ModelError } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Call, Variant } from './scenario.ts';

/** They are kept as the bits of an integer. */
const MOST_THREADS = 32;

/** Names go into paths, into schedules and into the view of predicates. */
const NAME = /^[A-Za-z_][^\s.@#]*$/;
const NO_OBJECT = ['NULL', 'environment', 'next', 'blocked', 'ended', 'result', 'all'];
const NO_PART = ['allocation', 'freed', 'path', 'then', 'toJSON'];
const NO_THREAD = ['loop:', 'without:', 'edit:'];

/** @throws ModelError that says what is wrong and what to do about it */
export function checkVariantLaws({
  objects,
  threads,
  serialisable,
}: Pick<Variant, 'objects' | 'threads' | 'serialisable'>): void {
  for (const [name, object] of Object.entries(objects)) {
    checkName('an object', name, NO_OBJECT);
    for (const part of Object.keys('pool' in object ? object.pool.parts : object.parts)) checkName('a part', part, NO_PART);
  }
  for (const name of Object.keys(threads)) checkName('a thread', name, NO_THREAD);
  if (Object.keys(threads).length > MOST_THREADS)
    throw new ModelError(`A variant has ${Object.keys(threads).length} threads, and may have ${MOST_THREADS}`);
  checkResults(threads);
  if (serialisable !== null) checkSerialisable(serialisable, { objects, threads });
}

function checkName(what: string, name: string, taken: readonly string[]): void {
  if (taken.includes(name)) throw new ModelError(`"${name}" cannot be the name of ${what}: it means something else`);
  if (!NAME.test(name))
    throw new ModelError(`"${name}" cannot be the name of ${what}`, 'a letter first, and no white space, ".", "@" or "#"');
}

/** The result of a call is for the later calls of its own thread. */
function checkResults(threads: Variant['threads']): void {
  for (const [name, { calls }] of Object.entries(threads)) {
    const known = new Set<string>();
    for (const call of calls.filter(({ isLeftOut }) => !isLeftOut)) {
      for (const wanted of resultsOf(call))
        if (!known.has(wanted))
          throw new ModelError(
            `Thread "${name}" uses "${wanted}" in ${call.operation.name}(), and no earlier call of it puts its result there`,
            'what threads tell each other goes through the objects',
          );
      if (call.result !== null) known.add(call.result);
    }
  }
}

/** The results of earlier calls that a call cannot be made without. */
export const resultsOf = ({ args, condition }: Call): readonly string[] => [
  ...(condition === null ? [] : [condition]),
  ...args.flatMap((arg) => (typeof arg === 'object' && arg !== null && 'local' in arg ? [String(arg.local)] : [])),
];

/** Only what ends has an outcome, and only what is there can be compared. */
function checkSerialisable(compared: readonly string[], { objects, threads }: Pick<Variant, 'objects' | 'threads'>): void {
  const endless = Object.entries(threads).find(([, { kind, forever }]) => kind === 'task' && forever);
  if (endless !== undefined)
    throw new ModelError(
      `A variant that is to be \`serialisable\` has a task without an end, "${endless[0]}"`,
      'let it make its calls as often as it takes, without `forever`, or make it a daemon',
    );
  const parts = (object: Variant['objects'][string]) => Object.keys('pool' in object ? object.pool.parts : object.parts);
  const known = Object.entries(objects).flatMap(([name, object]) => [name, ...parts(object).map((part) => `${name}.${part}`)]);
  for (const path of compared) {
    if (known.includes(path)) continue;
    const near = nearest(path, known);
    throw new ModelError(
      `\`serialisable\` names "${path}", which no object of this variant has`,
      near && `did you mean "${near}"?`,
    );
  }
}
