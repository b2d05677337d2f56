/** A schedule that was played: what it came to, as text and as a document. */
import type { Played } from '../check/played.ts';
import type { Document } from '../document/document.ts';
import { effortText } from './effort.ts';
import { findingText, nameFinding } from './finding-text.ts';
import { count, type Paint, wrap } from './layout.ts';
import { leftOut } from './not-needed.ts';
import type { PlaceOf } from './places.ts';
import { replayDocument } from './replay-document.ts';
import { stepList } from './step-list.ts';

export interface PlayedOptions {
  readonly paint: Paint;
  readonly allSteps: boolean;
  readonly placeOf: PlaceOf | null;
}

/** What was played, and what it came to, in a sentence. */
function sentence({ schedule, trace, diverged, finding }: Played): string {
  const rest = leftOut(schedule.without);
  const rounds = schedule.loop === null ? '' : diverged === null ? ', its loop twice' : ', its loop once';
  const steps = count(trace.steps.length, 'step');
  const edits = schedule.edits?.length ?? 0;
  const edited = edits === 0 ? '' : `, with ${count(edits, 'edit')} of its code`;
  const played = `${schedule.scenario}/${schedule.variant}${edited}: ${steps} played on the live actors${rounds}`;
  if (finding !== null) return `${played}: ${finding.finding.id}.`;
  return `${played}${rest === null ? '' : `, without ${rest}`}.`;
}

const othersOf = ({ raised, finding }: Played): readonly string[] =>
  finding === null ? [] : raised.filter((other) => other !== finding).map((other) => nameFinding(other.finding));

const tried = ({ effort }: Played): readonly string[] => (effort === null ? [] : effortText(effort));

export function playedText(played: Played, { paint, allSteps, placeOf }: PlayedOptions): readonly string[] {
  const { trace, finding } = played;
  const others = othersOf(played);
  return [
    ...wrap(sentence(played)),
    ...tried(played),
    '',
    ...(finding === null
      ? stepList(trace.steps, { paint, placeOf })
      : findingText(finding.finding, { paint, allSteps, placeOf, replay: null })),
    ...(others.length === 0 ? [] : ['', 'Also on that run:']),
    ...others.flatMap((other) => wrap(other, '  ', '    ')),
  ];
}

export function playedDocument(played: Played, { allSteps, placeOf }: Omit<PlayedOptions, 'paint'>): Document {
  const { schedule, trace, finding } = played;
  return replayDocument(
    {
      title: `Replay of ${schedule.scenario}/${schedule.variant}`,
      says: sentence(played),
      effort: tried(played),
      trace,
      finding: finding?.finding ?? null,
      others: othersOf(played),
    },
    { allSteps, placeOf, replay: null },
  );
}
