/** The order of locks as SVG: text as text, in the colours of the page around it, and the same for the same locks. */
import type { LockOrder } from '../../review/lock-order.ts';
import { arrange, type Drawing, type Line, type Node } from './lock-graph.ts';

const CHARACTER = 7.8;
const PADDING = 12;
const HEIGHT = 28;
const GAP = 24;
const DOWN = 48;
const PASSAGE = 12;
const MARGIN = 8;
/** Where lines that lead back leave a box and reach it, as a share of its width. */
const OFF_CENTRE = 0.8;
/** Beside the boxes, for lines that lead back up. */
const LANE = 18;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export function drawLockOrder(order: Pick<LockOrder, 'edges'>): string {
  const drawing = arrange(order);
  const boxes = place(drawing);
  const right = Math.max(0, ...[...boxes.values()].map(({ x, width }) => x + width));
  const lines = drawing.lines.filter((line) => line.back);
  const margin = marginOf(drawing);
  const width = right + MARGIN + LANE * lines.length;
  const height = margin * 2 + drawing.layers.length * HEIGHT + Math.max(0, drawing.layers.length - 1) * DOWN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" font-family="ui-monospace, monospace" font-size="13">`,
    ...drawing.lines.filter((line) => !line.back).map((line) => down(line, boxes)),
    ...lines.map((line, i) => back(line, boxes, right + LANE * (i + 1) - MARGIN, asideOf(i, lines.length))),
    ...drawing.layers.flat().flatMap((node) => box(node, boxes)),
    '</svg>',
  ].join('\n');
}

/** Lines that lead back also pass above the first layer and below the last. */
const marginOf = ({ lines }: Drawing): number => (lines.some((line) => line.back) ? MARGIN + DOWN / 2 : MARGIN);

/** How far from the boxes the line runs: each at its own height. */
const asideOf = (line: number, of: number): number => ((line + 1) * DOWN) / 2 / of;

const widthOf = ({ name, isPassage }: Node): number => (isPassage ? PASSAGE : name.length * CHARACTER + 2 * PADDING);

function place(drawing: Drawing): ReadonlyMap<string, Box> {
  const { layers } = drawing;
  const widths = layers.map((row) => row.reduce((sum, node) => sum + widthOf(node) + GAP, -GAP));
  const widest = Math.max(0, ...widths);
  const margin = marginOf(drawing);
  const boxes = new Map<string, Box>();
  for (const [layer, row] of layers.entries()) {
    let x = MARGIN + (widest - (widths[layer] ?? 0)) / 2;
    for (const node of row) {
      boxes.set(node.name, { x, y: margin + layer * (HEIGHT + DOWN), width: widthOf(node) });
      x += widthOf(node) + GAP;
    }
  }
  return boxes;
}

function down({ outer, inner, through }: Line, boxes: ReadonlyMap<string, Box>): string {
  const points = through.flatMap(({ name }, i): readonly (readonly [number, number])[] => {
    const at = boxes.get(name);
    if (at === undefined) return [];
    const x = at.x + at.width / 2;
    if (i === 0) return [[x, at.y + HEIGHT]];
    return i === through.length - 1
      ? [[x, at.y]]
      : [
          [x, at.y],
          [x, at.y + HEIGHT],
        ];
  });
  return arrow(points, `${outer} is taken outside ${inner}`, false);
}

/** Out below the box, round the others by a lane on the right, and in from above. */
function back({ outer, inner }: Line, boxes: ReadonlyMap<string, Box>, lane: number, aside: number): string {
  const [from, to] = [boxes.get(outer), boxes.get(inner)];
  if (from === undefined || to === undefined) return '';
  const out = from.x + from.width * OFF_CENTRE;
  const into = to.x + to.width * OFF_CENTRE;
  const [below, above] = [from.y + HEIGHT + aside, to.y - aside];
  const points = [
    [out, from.y + HEIGHT],
    [out, below],
    [lane, below],
    [lane, above],
    [into, above],
    [into, to.y],
  ] as const;
  return arrow(points, `${outer} is taken outside ${inner}, against the order`, true);
}

type Points = readonly (readonly [x: number, y: number])[];

function arrow(points: Points, title: string, isDashed: boolean): string {
  const dashes = isDashed ? ' stroke-dasharray="5 3"' : '';
  const line = `<path d="M${points.map(point).join('L')}" fill="none" stroke="currentColor" stroke-width="1.2"${dashes}/>`;
  const tip = `<path d="M${point(points.at(-1) ?? [0, 0])}l-4-8h8z" fill="currentColor"/>`;
  return `<g><title>${escaped(title)}</title>${line}${tip}</g>`;
}

function box({ name, isPassage }: Node, boxes: ReadonlyMap<string, Box>): readonly string[] {
  const at = boxes.get(name);
  if (at === undefined || isPassage) return [];
  const [x, y, width] = [round(at.x), round(at.y), round(at.width)];
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${HEIGHT}" rx="4" fill="none" stroke="currentColor"/>`,
    `<text x="${round(at.x + at.width / 2)}" y="${round(at.y + HEIGHT / 2 + 4.5)}" text-anchor="middle" fill="currentColor">${escaped(name)}</text>`,
  ];
}

const point = ([x, y]: readonly [number, number]): string => `${round(x)} ${round(y)}`;
const round = (n: number): number => Math.round(n * 10) / 10;
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
