/** The door of the checker: what a scenario file needs, and what a program that checks scenarios needs. */

// Writing scenarios
export type { Expectation, Local, Predicate, Scenario, Thread, Variant, VariantSpec, View } from './model/scenario.ts';
export { Call, call, daemon, defineScenario, isScenario, local, task, variant } from './model/scenario.ts';

// Checking them
export { type CheckOptions, type CheckResult, checkVariant, type Outcome } from './check/check.ts';
export type { Finding } from './check/finding.ts';
export type { Progress } from './explore/found.ts';
export { InternalError, ModelError } from './model/errors.ts';

// Running one schedule on the live actors
export { variantFor } from './model/leave-out.ts';
export type { LiveResult } from './live/live-run.ts';
export { LiveRun } from './live/live-run.ts';
export type { Option, Strategy } from './live/scheduler.ts';
export { random } from './live/strategies/random.ts';
export { type Divergence, replay } from './live/strategies/replay.ts';
export { roundRobin } from './live/strategies/round-robin.ts';
export { FORMAT, formatSchedule, parseSchedule, type Schedule } from './trace/schedule.ts';
export type { Standing, Trace, TraceStep } from './trace/trace.ts';
