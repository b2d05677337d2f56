/** The places of kernel code that a search has come to. */
import type { Message, Step } from '../../actors/step.ts';
import type { SiteKey } from '../model/edit.ts';
import { whereIs } from '../model/editing/site.ts';
import type { Frame } from '../model/stack.ts';
import { plainName } from '../model/names.ts';
import type { Program } from '../tables/program.ts';
import { spell } from '../trace/spelling.ts';
import type { TraceStep } from '../trace/trace.ts';

export interface Site {
  readonly key: SiteKey;
  /** The kernel function in which the statement stands. */
  readonly function: string;
  readonly event: string;
  /** The object as reports name it, and the step as C spells it, for whichever thread came first. */
  readonly object: string;
  readonly c: string;
  readonly place: NonNullable<TraceStep['place']>;
}

/** A step as a thread comes to it. */
export interface Stand {
  readonly site: Site;
  readonly step: Step;
  /** The kernel functions that stand open, each with the place from which it was called. */
  readonly activations: readonly string[];
}

/** The scenario's own helpers, which stand for no code of the kernel. */
const helperFile = /(^|\/)scenarios\//;
const isHelper = (frame: Frame | null): boolean => frame === null || helperFile.test(frame.file);

export class Sites {
  readonly all = new Map<SiteKey, Site>();
  /** By position; null where the thread has ended, or is in no kernel code. */
  readonly stands: readonly (Stand | null)[];
  private readonly program: Program;
  private readonly hasHelpers: boolean;

  constructor(program: Program) {
    this.program = program;
    const all = program.positions.map((position) => (position.step === null ? null : program.cursorAt(position).step));
    // A scenario that brings all of its code is itself what is looked at.
    this.hasHelpers = all.some((step) => step !== null && !isHelper(whereIs(step).frame));
    this.stands = all.map((step) => this.stand(step));
  }

  private stand(step: Step | null): Stand | null {
    if (step === null) return null;
    const { key, frame, activations } = whereIs(step);
    const name = activations.at(-1)?.split(' ')[0];
    if (frame === null || name === undefined || (this.hasHelpers && isHelper(frame))) return null;
    const [message] = step.step[0].messages;
    const { file, line, column } = frame;
    const place = { file, line, column };
    const c = this.spell(message);
    const site = this.all.get(key) ?? {
      key,
      function: name,
      event: message.event.type,
      object: plainName(message.object),
      c,
      place,
    };
    this.all.set(key, site);
    return { site, step, activations };
  }

  spell(message: Message): string {
    const [name = ''] = message.object.split('.');
    const isStatic = this.program.world.instances.some((one) => one.name === name && one.struct.lifetime === 'static');
    return spell(message, isStatic);
  }
}
