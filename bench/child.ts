/** One measurement in a process of its own; prints it as JSON. Started by the rows, never by hand. */
import { type AnyMachineSnapshot, initialTransition, transition } from 'xstate';
import { mutex } from '../machines/sync/mutex.ts';
import { exploreTraces } from '../src/explore/dpor/explore-traces.ts';
import type { Found, Search } from '../src/explore/found.ts';
import { explore } from '../src/explore/plain-search.ts';
import { exploreReduced } from '../src/explore/reduced-search.ts';
import { Program } from '../src/tables/program.ts';
import type { Variant } from '../src/index.ts';
import refcountReadSet from '../scenarios/register-rfc/refcount-read-set.ts';
import { programs } from '../test/helpers/published.ts';
import { guardedCounter } from './guarded-counter.ts';

export interface Measured {
  readonly states: number;
  readonly seconds: number;
  readonly bytes: number | null;
  readonly peakBytes: number;
  /** What it is held against in the same process, for as much work. */
  readonly peerSeconds: number | null;
}

function drive<F extends Found>(search: Search<F>): F {
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

function timed<R>(work: () => R): { readonly result: R; readonly seconds: number } {
  const began = performance.now();
  const result = work();
  return { result, seconds: (performance.now() - began) / 1000 };
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

function search(threads: number, strategy: string, maxStates: number): Measured {
  const variant = guardedCounter(threads);
  const of = strategy === 'plain' ? explore : exploreReduced;
  const { result, seconds } = timed(() => drive(of(new Program(variant), variant, { maxStates })));
  if (result.sightings.length > 0) throw new Error('the guarded counter is not clean');
  return { states: result.states, seconds, bytes: result.visited.bytes, peakBytes: peakBytes(), peerSeconds: null };
}

/** The same steps, over and over: a lock taken and released, on the tables and by `transition()`. */
function tables(steps: number): Measured {
  const program = new Program(guardedCounter(1));
  let state = program.initial();
  const path: { readonly state: Int32Array; readonly way: number }[] = [];
  for (let next = state.slice(); ; next = state.slice()) {
    const { firstWay, ways } = program.position(state, 0);
    if (ways === 0) break;
    program.take(state, 0, firstWay, next);
    path.push({ state, way: firstWay });
    state = next;
  }
  const into = state.slice();
  const turn = (n: number) => {
    for (let i = 0; i < n; i++) for (const { state: from, way } of path) program.take(from, 0, way, into);
  };
  turn(1000);
  const rounds = Math.ceil(steps / path.length);
  const { seconds } = timed(() => turn(rounds));
  const few = 20_000;
  const xstate = timed(() => lockAndUnlock(few));
  return {
    states: rounds * path.length,
    seconds,
    bytes: null,
    peakBytes: peakBytes(),
    peerSeconds: (xstate.seconds / few) * rounds * path.length,
  };
}

function lockAndUnlock(steps: number): void {
  const { machine, input } = mutex();
  let snapshot = initialTransition(machine, input)[0] as AnyMachineSnapshot;
  for (let i = 0; i < steps; i++) {
    const event = { type: i % 2 === 0 ? 'mutex_lock' : 'mutex_unlock', by: 't0' };
    snapshot = transition(machine, snapshot, event)[0] as AnyMachineSnapshot;
  }
}

/** A search that has everything to learn, against one on tables that are full. */
function learning(): Measured {
  const variant = refcountReadSet.variants['rfc'] as Variant;
  const program = new Program(variant);
  const empty = timed(() => drive(explore(program, variant, { maxStates: 2_000_000 })));
  const full = timed(() => drive(explore(program, variant, { maxStates: 2_000_000 })));
  const { states, visited } = empty.result;
  return { states, seconds: empty.seconds, bytes: visited.bytes, peakBytes: peakBytes(), peerSeconds: full.seconds };
}

/** One of the programs whose number of traces is published; a count that is not that is no measurement. */
function traces(name: string): Measured {
  const published = programs.find((program) => program.name === name);
  if (published === undefined) throw new Error(`no program is published as "${name}"`);
  const variant = published.make();
  const search = exploreTraces(new Program(variant), variant, { dependence: published.dependence });
  const { result, seconds } = timed(() => drive(search));
  if (result.traces !== published.traces || result.cutShort > 0)
    throw new Error(
      `${name} has ${published.traces} traces as published; ${result.traces} were counted, ${result.cutShort} cut short`,
    );
  return { states: result.traces, seconds, bytes: null, peakBytes: peakBytes(), peerSeconds: null };
}

const measure = (what: string, first = '', second = '', third = ''): Measured => {
  switch (what) {
    case 'search':
      return search(Number(first), second, Number(third));
    case 'tables':
      return tables(Number(first));
    case 'traces':
      return traces(first);
    default:
      return learning();
  }
};

console.log(JSON.stringify(measure(...(process.argv.slice(2) as [string]))));
