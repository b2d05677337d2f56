/** A ledger as other programs read it. */
import { type Account, type Origin, whereIn } from '../trace/ledger.ts';
import type { LedgerJson } from './schemas.ts';

export const ledgerJson = ({ path, start, end, postings, left, isCertain }: Account): LedgerJson => ({
  part: path,
  start,
  end,
  postings: postings.map(({ step, kind, item, before, after, of }) => ({
    step: step.index,
    thread: step.thread,
    function: whereIn(step),
    what: kind,
    entry: item,
    before,
    after,
    of: of.map(indexOf),
  })),
  left: left.map(indexOf),
  certain: isCertain,
});

const indexOf = (origin: Origin): number | null => origin?.index ?? null;
