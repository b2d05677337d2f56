/** The steps of a run one below the other, each with its thread: for who wants to see all of it. */
import type { TraceStep } from '../trace/trace.ts';
import { ascii, type Paint, WIDTH, wrap } from './layout.ts';
import type { PlaceOf } from './places.ts';
import { speak } from './spoken-step.ts';

export interface ListOptions {
  readonly paint: Paint;
  /** Where the step stands in the source; null to leave that out. */
  readonly placeOf: PlaceOf | null;
}

export function stepList(steps: readonly TraceStep[], options: ListOptions): readonly string[] {
  const printer = new StepPrinter(options, steps);
  return steps.flatMap((step) => printer.print(step));
}

/** Prints steps as they come. A function is named where a thread enters it. */
export class StepPrinter {
  private readonly options: ListOptions;
  private readonly threadWidth: number;
  private readonly numberWidth: number;
  private readonly last = new Map<string, string>();

  /** @param known what is known beforehand of the steps to come: how wide the columns have to be */
  constructor(options: ListOptions, known: readonly Pick<TraceStep, 'thread' | 'index'>[]) {
    this.options = options;
    this.threadWidth = Math.min(16, Math.max(0, ...known.map(({ thread }) => thread.length)));
    this.numberWidth = Math.max(3, String(known.at(-1)?.index ?? 0).length);
  }

  print(step: TraceStep): readonly string[] {
    const { paint, placeOf } = this.options;
    const margin = `${String(step.index).padStart(this.numberWidth)}${step.preempts ? '*' : ' '} ${step.thread.padEnd(this.threadWidth)}  `;
    const blank = ' '.repeat(margin.length);
    const { says, note } = speak(step);
    const within = `${step.call} ${step.functions.join(' ')}`;
    const enters = this.last.get(step.thread) !== within && step.functions.length > 0;
    this.last.set(step.thread, within);
    const place = placeOf?.(step.place) ?? null;
    return [
      ...(enters ? wrap(`${step.functions.join('() > ')}():`, margin, blank).map(paint.faint) : []),
      ...this.says(says, note, `${enters ? blank : margin}  `, `${blank}    `),
      ...(place === null ? [] : [paint.faint(`${blank}    ${place}`)]),
      ...step.splats.flatMap((splat) =>
        wrap(`! ${splat.kind}: ${ascii(splat.object)}: ${splat.text}`, `${blank}  `, `${blank}    `, WIDTH).map(paint.bad),
      ),
    ];
  }

  private says(says: string, note: string | null, indent: string, hanging: string): readonly string[] {
    const whole = `${indent}${says}  ${note ?? ''}`.trimEnd();
    if (whole.length <= WIDTH) return [whole];
    return [...wrap(says, indent, hanging), ...(note === null ? [] : wrap(note, hanging))];
  }
}
