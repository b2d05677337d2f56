/**
 * A variant as Promela, for Spin: the same tables, run by another model checker.
 *
 * Each part that changes is a global, which holds the number of its snapshot; each thread is a process, whose labels are
 * its positions. A step is a `d_step`: what it finds in the slots to which it speaks is its guard, so a step that must
 * wait is not executable. The state of Spin is then the state of the search, one for one, as long as Spin reduces
 * nothing: partial-order reduction is off (-DNOREDUCE), and so is the merging of steps (-o3).
 *
 * What a kernel would complain of is an assertion, and what follows on a finding is marked as such (`tainted`) and
 * asserts no more. A deadlock is an invalid end state.
 */
import type { Fault } from '../explore/judge.ts';
import { plainName, stateName } from '../model/names.ts';
import type { Position, Program } from '../tables/program.ts';
import type { Decision } from './decisions.ts';
import { Names, commented } from './names.ts';
import type { Broken, Cell, Observed, Option } from './observed.ts';

export interface Promela {
  readonly text: string;
  /** By number what the assertions of the model say, as Spin prints it: `assertion violated !(2)`. */
  readonly findings: readonly Fault[];
}

export interface PromelaOptions {
  /** What is exported, for its first line. */
  readonly name: string;
  /** How the file is called in the commands that it shows. */
  readonly file: string;
}

export function promela(observed: Observed, options: PromelaOptions): Promela {
  const writer = new Writer(observed);
  const body = [...writer.globals(), ...writer.checks(), ...writer.processes(), ...writer.atEnd()];
  return { text: [...heading(observed, options, writer.findings), ...body, ''].join('\n'), findings: writer.findings };
}

function heading(
  { states, ends, deadlocks, primary }: Observed,
  { name, file }: PromelaOptions,
  findings: readonly Fault[],
): readonly string[] {
  const said = findings.map(({ id, kind, object, text }, n) => {
    const after = primary.has(id) ? '' : ' (only after another finding, where it is not asserted)';
    return ` *   !(${n + 1})  ${commented(`${kind}: ${object}: ${text}${after}`)}`;
  });
  return [
    '/*',
    ` * ${commented(name)}, from the tables of Interlock.`,
    ' *',
    ` *   spin -a -o3 ${commented(file)}`,
    ' *   gcc -O2 -w -DSAFETY -DNOREDUCE -o pan pan.c',
    // No way without a repetition is longer than there are states.
    ` *   ./pan -c0 -m${states + 10}`,
    ' *',
    ` * stores ${count(states, 'state')}, meets ${count(deadlocks, 'invalid end state')} (-A counts them alone), and violates`,
    ...(said.length === 0 ? [' * no assertion.'] : [' * these assertions:', ...said]),
    ' *',
    ` * With spin -DENDS -a -o3 each end of a run is an invalid end state, and there are ${ends}. Not in this model:`,
    ' * starvation, tasks that wait for ever while others go on, and what the scenario wants to be reached.',
    ' */',
    '#ifdef ENDS',
    '#define rest(place) place',
    '#else',
    '#define rest(place) end_##place',
    '#endif',
    '',
  ];
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Whoever reads the positions of a thread needs them in a global: Promela has no other name for where a process is. */
class Writer {
  readonly findings: Fault[] = [];
  private readonly observed: Observed;
  private readonly program: Program;
  private readonly names = new Names();
  private readonly always: readonly EverBroken[];
  private readonly ended: readonly EverBroken[];
  /** By place of the state vector the global that holds it. */
  private readonly variables = new Map<number, string>();
  private readonly processNames: readonly string[];
  /** The places that decide whether a state is wrong. */
  private readonly judged: ReadonlySet<number>;

  constructor(observed: Observed) {
    this.observed = observed;
    const { program, values, selfDeadlocks, wrongPlaces } = observed;
    this.program = program;
    this.always = observed.always.filter(isEverBroken);
    this.ended = observed.atEnd.filter(isEverBroken);
    this.processNames = program.world.threads.map(({ name }) => this.names.give(`thread_${name}`));
    for (const { index, path } of program.world.slots)
      if ((values[index]?.size ?? 0) > 1) this.variables.set(index, this.names.give(path.includes('.') ? path : `part_${path}`));
    const judged = new Set(this.always.flatMap(({ decisions }) => [...decisions.places]));
    for (const id of selfDeadlocks.keys()) {
      judged.add(program.slots + this.at(id).thread);
      for (const slot of this.slotsOf(this.at(id))) judged.add(slot);
    }
    for (const id of wrongPlaces.keys()) judged.add(program.slots + this.at(id).thread);
    this.judged = judged;
    const read = new Set([...judged, ...this.ended.flatMap(({ decisions }) => [...decisions.places])]);
    // What must hold at the end is asked where each thread may be left, so each says where it is.
    for (const [thread, { name }] of program.world.threads.entries())
      if (read.has(program.slots + thread) || this.ended.length > 0)
        this.variables.set(program.slots + thread, this.names.give(`at_${name}`));
  }

  globals(): readonly string[] {
    const { initial, tainted } = this.observed;
    const { slots } = this.program;
    return [
      ...[...this.variables].flatMap(([place, name]) => {
        const isSlot = place < slots;
        const values = [...((isSlot ? this.observed.values[place] : this.observed.positions[place - slots]) ?? [])];
        return [
          `${typeFor(Math.max(...values))} ${name} = ${initial[place]};`,
          ...(isSlot ? values.toSorted((a, b) => a - b).map((value) => `/* ${value}: ${this.snapshot(place, value)} */`) : []),
        ];
      }),
      ...(tainted ? ['/* A finding came before. */', 'bit tainted = 0;'] : []),
      ...(this.canBeWrong ? ['/* The state is wrong: whatever comes after it is a consequence. */', 'bit wrong = 0;'] : []),
      '',
    ];
  }

  /** What must hold in every state, to be asked after each step that changes what it reads. */
  checks(): readonly string[] {
    if (!this.canBeWrong) return [];
    const { selfDeadlocks, wrongPlaces } = this.observed;
    return [
      'inline judge() {',
      '  wrong = 0;',
      ...this.always.flatMap(({ decisions, fault }) => this.whereBroken(decisions.root, this.wrongBy(fault), '  ')),
      ...[...selfDeadlocks].flatMap(([id, fault]) => this.ifStuckAt(id, this.wrongBy(fault))),
      ...[...wrongPlaces].flatMap(([id, faults]) =>
        this.ifAt(
          id,
          faults.flatMap((fault) => this.wrongBy(fault)),
        ),
      ),
      '}',
      '',
    ];
  }

  processes(): readonly string[] {
    return this.observed.positions.flatMap((positions, thread) => [
      `active proctype ${this.processNames[thread]}() {`,
      // A process begins with its first statement, and positions are met in the order of their numbers.
      ...[...positions].toSorted((a, b) => a - b).flatMap((id) => this.position(id)),
      '}',
      '',
    ]);
  }

  /** What must hold once all tasks have ended and nobody moves. It changes nothing, so it adds no state. */
  atEnd(): readonly string[] {
    if (this.ended.length === 0) return [];
    const { positions, rests } = this.observed;
    const guards = this.program.world.threads.map(({ kind }, thread) => {
      const may = [...(positions[thread] ?? [])].filter(
        (id) => rests.has(id) && (kind === 'daemon' || this.at(id).status === 'ended'),
      );
      const name = this.variables.get(this.program.slots + thread) as string;
      return `(${may.map((id) => `${name} == ${id}`).join(' || ') || 'false'})`;
    });
    return [
      '#ifndef ENDS',
      'active proctype at_end() {',
      'end_waits: do',
      // What is wrong in the state itself comes before what is wrong because it is the last.
      `  :: d_step { timeout && ${[...guards, ...(this.canBeWrong ? ['!wrong'] : [])].join(' && ')} ->`,
      ...this.ended.flatMap(({ decisions, fault }) => this.whereBroken(decisions.root, [this.finding(fault)], '       ')),
      '     }',
      '  od',
      '}',
      '#endif',
    ];
  }

  private get canBeWrong(): boolean {
    const { selfDeadlocks, wrongPlaces } = this.observed;
    return this.always.length > 0 || selfDeadlocks.size > 0 || wrongPlaces.size > 0;
  }

  private at(id: number): Position {
    return this.program.positions[id] as Position;
  }

  private slotsOf({ firstWay, ways }: Position): readonly number[] {
    return this.program.ways.slice(firstWay, firstWay + ways).flatMap(({ slots }) => [...slots]);
  }

  private snapshot(slot: number, value: number): string {
    const state = this.observed.initial.slice();
    state[slot] = value;
    const snapshot = this.program.snapshot(state, slot);
    return commented(`${stateName(snapshot.value)} ${JSON.stringify(snapshot.context)}`);
  }

  private position(id: number): readonly string[] {
    const position = this.at(id);
    const label = this.label(id);
    const options = this.observed.options.get(id) ?? [];
    const said = position.step === null ? position.status : `${position.step.event.type}: ${plainName(position.step.object)}`;
    return [
      `${label}: /* ${commented(said)} */`,
      ...(options.length === 0
        ? ['  false;']
        : ['  if', ...options.map((option) => `  :: ${this.step(position, id, option)}`), '  fi;']),
    ];
  }

  private label(id: number): string {
    return this.observed.rests.has(id) ? `rest(p${id})` : `p${id}`;
  }

  private step({ thread }: Position, from: number, { guard, writes, to, faults }: Option): string {
    const place = this.program.slots + thread;
    const at = this.variables.get(place);
    const all: readonly Cell[] = to === from ? writes : [...writes, [place, to]];
    const actions = [
      ...(this.canBeWrong && this.observed.tainted ? ['tainted = tainted | wrong'] : []),
      ...faults.map((fault) => this.finding(fault)),
      ...(faults.length > 0 ? ['tainted = 1'] : []),
      ...writes.map(([slot, value]) => `${this.variables.get(slot)} = ${value}`),
      ...(at !== undefined && to !== from ? [`${at} = ${to}`] : []),
      ...(this.canBeWrong && all.some(([changed]) => this.judged.has(changed)) ? ['judge()'] : []),
    ];
    return `d_step { ${this.guard(guard)} -> ${actions.join('; ') || 'skip'} }; goto ${this.label(to)}`;
  }

  private guard(cells: readonly Cell[]): string {
    const tests = cells.flatMap(([slot, value]) => {
      const name = this.variables.get(slot);
      return name === undefined ? [] : [`${name} == ${value}`];
    });
    return tests.join(' && ') || 'true';
  }

  /** An assertion that fails, unless a finding came before: its text is all that Spin repeats of it. */
  private finding(fault: Fault): string {
    let n = this.findings.findIndex(({ id }) => id === fault.id) + 1;
    if (n === 0) n = this.findings.push(fault);
    return this.observed.tainted ? `if :: tainted -> skip :: else -> assert(!${n}) fi` : `assert(!${n})`;
  }

  private wrongBy(fault: Fault): readonly string[] {
    return ['wrong = 1', this.finding(fault)];
  }

  /** Nested, and not one long condition: Spin keeps the text of each in a buffer of fixed size. */
  private whereBroken(decision: Decision | null, then: readonly string[], indent: string): readonly string[] {
    if (decision === null) return [];
    if ('holds' in decision) return decision.holds ? [] : then.map((action) => `${indent}${action};`);
    const name = this.variables.get(decision.place);
    const branches = [...decision.by].filter(([, below]) => leadsToBroken(below));
    // A part that never changes decides nothing.
    if (name === undefined) return branches.flatMap(([, below]) => this.whereBroken(below, then, indent));
    return [
      `${indent}if`,
      ...branches.flatMap(([value, below]) => [
        `${indent}:: ${name} == ${value} ->`,
        ...this.whereBroken(below, then, `${indent}   `),
      ]),
      `${indent}:: else -> skip`,
      `${indent}fi;`,
    ];
  }

  private ifAt(id: number, then: readonly string[]): readonly string[] {
    const at = this.variables.get(this.program.slots + this.at(id).thread);
    return ['  if', `  :: ${at} == ${id} ->`, ...then.map((action) => `     ${action};`), '  :: else -> skip', '  fi;'];
  }

  private ifStuckAt(id: number, then: readonly string[]): readonly string[] {
    const at = this.variables.get(this.program.slots + this.at(id).thread);
    const ways = (this.observed.options.get(id) ?? []).map(({ guard }) => `:: ${this.guard(guard)} -> skip`);
    return [
      '  if',
      `  :: ${at} == ${id} ->`,
      ...(ways.length === 0
        ? then.map((action) => `     ${action};`)
        : ['     if', ...ways.map((way) => `     ${way}`), `     :: else -> ${then.join('; ')}`, '     fi']),
      '  :: else -> skip',
      '  fi;',
    ];
  }
}

type EverBroken = Broken & { readonly fault: Fault };

function isEverBroken(broken: Broken): broken is EverBroken {
  const isBroken = leadsToBroken(broken.decisions.root);
  if (isBroken && broken.fault === null)
    throw new RangeError('a predicate is broken in a state in which the search saw nothing wrong');
  return isBroken;
}

const leadsToBroken = (decision: Decision | null): boolean =>
  decision !== null && ('holds' in decision ? !decision.holds : [...decision.by.values()].some(leadsToBroken));

const typeFor = (most: number): string => (most < 256 ? 'byte' : most < 32768 ? 'short' : 'int');
