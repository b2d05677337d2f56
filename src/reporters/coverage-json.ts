/** What was covered, as `docs/json.md` has it. */
import type { Covered } from '../coverage/merge.ts';
import { neverEntered, neverTaken } from './coverage-machines.ts';
import type { CoverageJson } from './coverage-schema.ts';

export const coverageJson = ({ variants, machines, code, operations, ways, pairs }: Covered): CoverageJson => ({
  schema: 'interlock.coverage/1',
  memoryModel: 'SC',
  variants: variants.map(({ sometimes, ...variant }) => ({ ...variant, sometimes: sometimes.map((wanted) => ({ ...wanted })) })),
  machines: machines.map((covered) => ({
    machine: covered.machine,
    parts: covered.parts.map(({ part, entered }) => ({ part, entered: [...entered] })),
    entered: [...covered.entered],
    neverEntered: [...neverEntered(covered)],
    taken: [...covered.taken],
    neverTaken: [...neverTaken(covered)],
  })),
  code: code.map(({ file, functions, errnos }) => ({
    file,
    functions: functions.map((each) => ({ ...each })),
    errnos: errnos.map((each) => ({ ...each })),
  })),
  operations: operations.map(({ operation, results }) => ({ operation, results: [...results] })),
  ways: ways.map(({ function: name, step, taken, never }) => ({ function: name, step, taken: [...taken], never: [...never] })),
  pairs: pairs.map(({ operations: [one, other], raced }) => ({ operations: [one, other], raced })),
});
