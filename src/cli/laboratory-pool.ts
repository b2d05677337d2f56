/** Tries edited variants side by side, each in a thread of its own: as many at a time as there are cores. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Survey, Trial } from '../edits/element.ts';
import type { Candidate } from '../edits/fixes/candidate.ts';
import type { Workshop } from '../edits/fixes/find-fixes.ts';
import type { Fix } from '../edits/fixes/fix.ts';
import type { Laboratory } from '../edits/laboratory.ts';
import { TRIAL_LIMITS, type TrialLimits } from '../edits/trial.ts';
import type { Answer, Order, Report } from './laboratory-worker.ts';
import { bundleMaps } from './load-file.ts';
import { errorOf } from './worker-failure.ts';
import { type Heard, WorkerThreads } from './worker-threads.ts';
import type { WhichScenario } from './worker-scenario.ts';

export class LaboratoryPool implements Laboratory {
  readonly places: number;
  private readonly which: Omit<WhichScenario, 'scenario'>;
  private readonly limits: TrialLimits;
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly threads = new WorkerThreads<Order, Report>(new URL('./laboratory-worker.js', import.meta.url));
  private readonly stop = new Int32Array(new SharedArrayBuffer(4));

  /** @param which where the scenarios are that are tried: they are loaded anew in each thread */
  constructor(which: Omit<WhichScenario, 'scenario'>, atOnce = availableParallelism(), limits = TRIAL_LIMITS) {
    this.which = which;
    this.limits = limits;
    this.places = atOnce;
    this.limit = pLimit(atOnce);
  }

  survey: Laboratory['survey'] = (scenario, variant) => this.ask<Survey>(scenario.name, { what: 'survey', variant });

  try: Laboratory['try'] = (
    scenario,
    { variant, states, faults, consequences, endless, unserial, lockOrders, reached, orders },
    { edits },
  ) => {
    const known = { variant, states, faults, consequences, endless, unserial, lockOrders, reached, orders };
    return this.ask<Trial>(scenario.name, { what: 'trial', known, edits });
  };

  /** For the findings of one scenario. */
  workshop(scenario: string): Workshop {
    return {
      places: this.places,
      candidates: (variant, finding) => this.ask<readonly Candidate[]>(scenario, { what: 'candidates', variant, finding }),
      verify: (variant, finding, candidate) => this.ask<Fix | null>(scenario, { what: 'fix', variant, finding, candidate }),
    };
  }

  /** What is under way comes to its end soon, and says that it was cut. */
  interrupt(): void {
    Atomics.store(this.stop, 0, 1);
  }

  close(): Promise<void> {
    return this.threads.close();
  }

  private ask<R extends Answer>(scenario: string, asked: Order['asked']): Promise<R> {
    const order: Order = { ...this.which, scenario, asked, limits: this.limits, stop: this.stop };
    return this.limit(async () => (await this.threads.ask(order, heard)) as R);
  }
}

function heard(report: Report): Heard<Answer> {
  for (const [path, map] of report.maps) bundleMaps.set(path, map);
  if (report.type === 'error') throw errorOf(report);
  return { answer: report.result };
}
