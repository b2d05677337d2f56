/** `npm run bench`: how fast, and how much of it the machines and the reduction are worth. Not a test: nothing fails on a number. */
import { parseArgs } from 'node:util';
import type { BenchJson, BenchRow } from '../src/reporters/schemas.ts';
import { endAll } from './process.ts';
import { ROWS } from './rows.ts';
import { FOOT, HEAD, tableLines } from './table.ts';

const HELP = `Usage: npm run --silent bench -- [--json] [--quick] [--only WORD]

  --json       print interlock.bench/1
  --quick      leave out what takes a minute or more
  --only WORD  only rows whose name has this in it (may be repeated): guarded,
               memory, refcount, seed, tables`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

process.once('SIGINT', () => {
  endAll();
  process.exit(130);
});

if (values.help) console.log(HELP);
else {
  const { only, quick, json } = values;
  const wanted = ROWS.filter(
    ({ work, isLong }) => !(quick && isLong) && (only.length === 0 || only.some((word) => work.includes(word))),
  );
  const rows: BenchRow[] = [];
  if (!json) console.log(HEAD);
  for (const { work, measure } of wanted) {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${work} ...`);
    const row = await measure();
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
    rows.push(row);
    if (!json) console.log(tableLines(row).join('\n'));
  }
  const told: BenchJson = { schema: 'interlock.bench/1', rows };
  console.log(json ? JSON.stringify(told, null, 2) : FOOT.join('\n'));
}
