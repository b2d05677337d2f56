/** What scenarios cover, as a document: first how much of everything, then what none of them reaches. */
import type { CodeFile, Covered } from '../coverage/merge.ts';
import type { Block, Document } from '../document/document.ts';
import { code, heading, list, paragraph, table } from './blocks.ts';
import { raceBlocks, resultBlocks, wantedBlocks, wayBlocks } from './coverage-calls.ts';
import { machineBlocks, ofAll } from './coverage-machines.ts';
import { count, listed } from './layout.ts';

export function coverageDocument(covered: Covered): Document {
  const { variants, machines } = covered;
  const scenarios = new Set(variants.map(({ scenario }) => scenario)).size;
  return {
    title: `Coverage of ${count(variants.length, 'variant')} of ${count(scenarios, 'scenario')}`,
    blocks: [
      table(['what', 'reached'], overview(covered)),
      ...machineBlocks(machines),
      ...codeBlocks(covered.code),
      ...resultBlocks(covered),
      ...wayBlocks(covered),
      ...raceBlocks(covered),
      ...wantedBlocks(covered),
      heading('What this rests on'),
      ...basis(covered),
    ],
  };
}

function overview({ machines, code: files, ways, pairs, variants }: Covered): readonly (readonly string[])[] {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const wanted = variants.flatMap(({ sometimes }) => sometimes);
  const functions = files.flatMap((file) => file.functions);
  const errnos = files.flatMap((file) => file.errnos);
  return [
    [
      'states of machines',
      ofAll(sum(machines.map(({ entered }) => entered.length)), sum(machines.map(({ states }) => states.length))),
    ],
    [
      'transitions of machines',
      ofAll(sum(machines.map(({ taken }) => taken.length)), sum(machines.map(({ transitions }) => transitions.length))),
    ],
    ['kernel functions', ofAll(functions.filter(({ run }) => run).length, functions.length)],
    ['places that give an errno', ofAll(errnos.filter(({ run }) => run).length, errnos.length)],
    [
      'ways of choices and waits',
      ofAll(sum(ways.map(({ taken }) => taken.length)), sum(ways.map(({ taken, never }) => taken.length + never.length))),
    ],
    ['pairs of calls that raced', `${pairs.filter(({ raced }) => raced).length}`],
    ['`sometimes` of scenarios', ofAll(wanted.filter(({ reached }) => reached).length, wanted.length)],
  ];
}

function codeBlocks(files: readonly CodeFile[]): readonly Block[] {
  if (files.length === 0) return [];
  return [
    heading('Kernel functions and error paths'),
    table(
      ['file', 'functions', 'errnos'],
      files.map(({ file, functions, errnos }) => [
        file,
        ofAll(functions.filter(({ run }) => run).length, functions.length),
        ofAll(errnos.filter(({ run }) => run).length, errnos.length),
      ]),
    ),
    ...missed('Functions that never run', files, ({ file, functions }) => {
      const never = functions.filter(({ run }) => !run).map(({ name }) => code(`${name}()`));
      return never.length === 0 ? [] : [`${file}: ${listed(never)}`];
    }),
    ...missed('Errnos that are never given', files, ({ file, errnos }) =>
      errnos
        .filter(({ run }) => !run)
        .map(({ errno, function: name, line }) => `${errno} in ${code(`${name}()`)}, ${file}:${line}`),
    ),
  ];
}

const missed = (title: string, files: readonly CodeFile[], of: (file: CodeFile) => readonly string[]): readonly Block[] => {
  const items = files.flatMap(of);
  return items.length === 0 ? [] : [paragraph(`${title}:`), ...list(items)];
};

function basis({ variants }: Covered): readonly Block[] {
  const states = variants.reduce((sum, variant) => sum + variant.states, 0);
  const cut = variants.filter((variant) => variant.cut !== null);
  return [
    paragraph(
      `Every state was searched, without a reduction: ${count(states, 'state')} in all, under sequential consistency. Kernel functions are the generator functions of the model; an errno counts where it is written (\`-ENODEV\`), and was given if the block around it was run. That a function passes on what another gave it is not seen.`,
    ),
    ...(cut.length === 0
      ? []
      : [
          paragraph('Cut, so that more may be reached than is said:'),
          ...list(cut.map(({ scenario, variant, cut: bound }) => `${scenario}/${variant}: ${bound}`)),
        ]),
  ];
}
