/** Whatever random programs are edited by, the tables say of them what the live actors do. */
import { fc } from '@fast-check/ava';
import test from 'ava';
import { confirm } from '../../src/check/confirm.ts';
import { Sites } from '../../src/edits/sites.ts';
import { ModelError, type Variant } from '../../src/index.ts';
import type { Edit, SiteKey } from '../../src/model/edit.ts';
import { editVariant } from '../../src/model/edit-variant.ts';
import type { Program } from '../../src/tables/program.ts';
import { randomPrograms, variantOf } from '../helpers/agreeing-programs.ts';
import { attempt, plainly } from '../helpers/outcomes.ts';

const MOST_STATES = 2000;
const RUNS = Number(process.env['EDIT_RUNS'] ?? 60);

const toss = fc.record({
  kind: fc.constantFrom<Edit['kind'][]>('drop', 'delay', 'delay', 'hasten', 'hold', 'hold', 'insert', 'replace'),
  at: fc.nat(),
  other: fc.nat(),
  reply: fc.constantFrom(0, 1),
});
type Toss = typeof toss extends fc.Arbitrary<infer T> ? T : never;

/** An edit of places that the program comes to; the lock is one that it may have itself. */
function editOf({ kind, at, other, reply }: Toss, keys: readonly SiteKey[]): Edit {
  const [here, there] = [keys[at % keys.length], keys[other % keys.length]] as [SiteKey, SiteKey];
  const by = { object: 'g.o0', event: { type: `e${other % 4}` }, means: { kind: 'update' } } as const;
  const lock = (kind: 'acquire' | 'release', type: string) => ({ object: 'g.m0', event: { type }, means: { kind } });
  switch (kind) {
    case 'drop':
      return { kind, at: [here], reply };
    case 'delay':
      return { kind, at: here, past: [there] };
    case 'hasten':
      return { kind, at: here, before: there, replies: [0, 1, null] };
    case 'hold':
      return {
        kind,
        take: [lock('acquire', 'mutex_lock')],
        release: lock('release', 'mutex_unlock'),
        from: here,
        to: reply === 0 ? null : there,
      };
    case 'insert':
      return { kind, at: here, where: reply === 0 ? 'before' : 'after', message: by };
    case 'replace':
      return { kind, at: here, by };
  }
}

const seen = { programs: 0, unlike: 0, loops: 0, faults: 0, confirmed: 0, none: 0 };

test('edited programs are played live as the tables have them', async (t) => {
  const programs = fc.asyncProperty(randomPrograms, fc.array(toss, { minLength: 1, maxLength: 3 }), async (random, tosses) => {
    const design = variantOf(random);
    const plain = attempt(() => plainly(design, MOST_STATES));
    fc.pre(!(plain instanceof ModelError) && plain.cut === null);
    const keys = [...new Sites(plain.program).all.keys()];
    fc.pre(keys.length > 0);
    const variant = editVariant(
      design,
      tosses.map((one) => editOf(one, keys)),
    );
    const edited = attempt(() => plainly(variant, MOST_STATES));
    if (edited instanceof ModelError) {
      seen.none++;
      return;
    }
    seen.programs++;
    seen.unlike += Number(edited.states !== plain.states);
    seen.loops += Number(edited.program.hasLoops);
    for (const sighting of edited.sightings.slice(0, 4)) {
      seen.faults++;
      await confirm(edited.program, variant, sighting.way());
    }
    for (let run = 0; run < 3; run++) {
      seen.confirmed++;
      await confirm(edited.program, variant, walk(edited.program, run));
    }
    t.pass();
  });
  await fc.assert(programs, { numRuns: RUNS });
  t.log(seen);
  t.true(seen.programs > RUNS / 2);
  t.true(seen.unlike > RUNS / 4);
  t.true(seen.loops > RUNS / 20);
});

/** One way through the program, another for each seed, cut short where it loops. */
function walk(program: Program, seed: number): readonly { readonly thread: number; readonly way: number }[] {
  const choices: { thread: number; way: number }[] = [];
  let state = program.initial();
  for (let n = 0; n < 80; n++) {
    const next = state.slice();
    const enabled = Array.from({ length: program.threads }, (_, thread) =>
      Array.from({ length: program.position(state, thread).ways }, (__, way) => ({ thread, way })),
    )
      .flat()
      .filter((choice) => program.choose(state, choice, next));
    const choice = enabled[(n * (seed * 7 + 3) + seed) % Math.max(1, enabled.length)];
    if (choice === undefined) break;
    program.choose(state, choice, next);
    choices.push(choice);
    state = next;
  }
  return choices;
}

test('an edit of nothing changes nothing', (t) => {
  const programs = fc.property(randomPrograms, (random) => {
    const design: Variant = variantOf(random);
    const plain = attempt(() => plainly(design, MOST_STATES));
    fc.pre(!(plain instanceof ModelError) && plain.cut === null);
    const edited = plainly(editVariant(design, [{ kind: 'drop', at: ['nothing@nowhere.js:1:1'] }]), MOST_STATES);
    t.is(edited.states, plain.states);
    t.is(edited.steps, plain.steps);
    t.is(edited.sightings.length, plain.sightings.length);
  });
  fc.assert(programs, { numRuns: 60 });
});
