/** Checks the import arrows, and that the tool has seen the modules at all: it can see none and find nothing wrong. */
import { spawnSync } from 'node:child_process';

const folders = ['machines', 'actors', 'src', 'scenarios', 'bench'];
const run = spawnSync('npx', ['depcruise', ...folders, '--config', '.dependency-cruiser.cjs', '--output-type', 'json'], {
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
const { modules, summary } = JSON.parse(run.stdout || '{"modules":[],"summary":{"violations":[]}}');
for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} -> ${to}`);
const seen = modules.filter(({ source }) => folders.some((folder) => source.startsWith(`${folder}/`))).length;
console.log(`${seen} modules seen, ${summary.violations.length} arrows that must not be`);
process.exit(seen > 0 && summary.violations.length === 0 && run.error === undefined ? 0 : 1);
