import test from 'ava';
import { checkVariant, type Finding } from '../../src/index.ts';
import { kernelPrint } from '../../src/reporters/kernel/print.ts';
import { titleOf } from '../../src/reporters/kernel/title.ts';
import { isGolden } from './golden.ts';
import { samples } from './samples.ts';
import { splats } from './splats.ts';

/** What comes only after another complaint of the same counter. */
const AFTER: Readonly<Record<string, string>> = { 'get-after-saturation': 'refcount_t: saturated; leaking memory.' };

const findingIn = async (variant: string, scenario = splats): Promise<Finding> => {
  const { findings, consequences } = await checkVariant(scenario, variant, { maxStates: 1000 });
  const later = AFTER[variant];
  return (later === undefined ? findings[0] : consequences.find(({ fault }) => fault.prints === later)) as Finding;
};

const WIDTH = 73;

test('what a kernel would print reads as it is pinned', async (t) => {
  const parts: string[] = [];
  for (const variant of Object.keys(splats.variants)) {
    const finding = await findingIn(variant);
    const { says, lines } = kernelPrint(finding, WIDTH);
    parts.push(`### ${variant}`, '', `Title: ${titleOf(finding) ?? 'none'}`, says, ...lines, '');
  }
  isGolden(t, 'kernel-prints.txt', parts.join('\n'));
});

test('every print says that it is modelled', async (t) => {
  for (const variant of Object.keys(splats.variants)) {
    const { lines } = kernelPrint(await findingIn(variant), WIDTH);
    t.true(
      lines.some((line) => line.includes('(modelled)')),
      variant,
    );
  }
});

test('no print invents an address, an offset, a process or a CPU', async (t) => {
  for (const variant of Object.keys(splats.variants))
    for (const line of kernelPrint(await findingIn(variant), WIDTH).lines)
      t.notRegex(line, /0x[0-9a-f]|\+0x|\bPID\b|\bpid\b|CPU: |CPU#|\btask \w+\/\d|jiffies|tainted/i, line);
});

test('a long line is broken at its width, and goes on further in', async (t) => {
  const { lines } = kernelPrint(await findingIn('WARN_ON'), 40);
  t.true(lines.every(({ length }) => length <= 40));
  t.true(lines.some((line) => line.startsWith('    ')));
});

test('where a kernel is silent the report says so, and names the first sign of it', async (t) => {
  const { says, lines } = kernelPrint(await findingIn('a-set-that-loses-a-reference'), WIDTH);
  t.is(
    says,
    'A kernel prints nothing there. The first sign of it comes 2 steps later at the earliest, from worker in thing_put():',
  );
  t.deepEqual(lines, ['refcount_t: underflow; use-after-free. (modelled)']);
});

test('where nothing ever shows, the report says that, too', async (t) => {
  const { says, lines } = kernelPrint(await findingIn('invariant', samples), WIDTH);
  t.is(says, 'A kernel prints nothing there, nor at any step after it in this scenario.');
  t.deepEqual(lines, []);
});
