/** What the README shows is what one gets. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const root = fileURLToPath(new URL('../..', import.meta.url));
const interlock = (folder: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'bin/interlock.js'), ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });

const readme = await readFile(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({ language, text: text ?? '' }));
const [racy, commands, report, own] = blocks;

const inFolder = async <T>(run: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'interlock-readme-'));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

test('the racy lines are those of the model', async (t) => {
  const model = await readFile(join(root, 'actors/vfio/rfc-2021-09/vfio.ts'), 'utf8');
  t.true(model.includes(racy?.text ?? 'no code'));
});

test('the report is the one that check prints', async (t) => {
  const { stdout } = await inFolder((folder) => interlock(folder, 'check', 'refcount-read-set', '--variant', 'rfc'));
  t.true(stdout.includes(report?.text ?? 'no report'), stdout);
});

test('the two commands call what the package has', async (t) => {
  const { bin, scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
    scripts: Record<string, string>;
  };
  t.regex(commands?.text ?? '', /^npm ci && npx interlock check /m);
  t.regex(commands?.text ?? '', /^npm ci && npm test$/m);
  t.is(bin.interlock, 'bin/interlock.js');
  t.truthy(scripts.test);
});

test('the scenario of a subsystem of your own is checked where it lies, and shows what it expects', async (t) => {
  await inFolder(async (folder) => {
    const file = join(folder, 'exclusive-open.ts');
    await writeFile(file, own?.text ?? '');
    const { stdout } = await interlock(folder, 'check', file);
    t.regex(stdout, /exclusive-open\/racy: as expected/);
    t.regex(stdout, /"one user at most" does not hold/);
  });
});
