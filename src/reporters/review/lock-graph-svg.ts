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
  const back = drawing.lines.filter((line) => line.back);
  const width = right + MARGIN + LANE * back.length;
  const height = MARGIN * 2 + drawing.layers.length * HEIGHT + Math.max(0, drawing.layers.length - 1) * DOWN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" font-family="ui-monospace, monospace" font-size="13">`,
    ...drawing.lines.filter((line) => !line.back).map((line) => down(line, boxes)),
    ...back.map((line, i) => up(line, boxes, right + LANE * (i + 1) - MARGIN)),
    ...drawing.layers.flat().flatMap((node) => box(node, boxes)),
    '</svg>',
  ].join('\n');
}

const widthOf = ({ name, isPassage }: Node): number => (isPassage ? PASSAGE : name.length * CHARACTER + 2 * PADDING);

function place({ layers }: Drawing): ReadonlyMap<string, Box> {
  const widths = layers.map((row) => row.reduce((sum, node) => sum + widthOf(node) + GAP, -GAP));
  const widest = Math.max(0, ...widths);
  const boxes = new Map<string, Box>();
  for (const [layer, row] of layers.entries()) {
    let x = MARGIN + (widest - (widths[layer] ?? 0)) / 2;
    for (const node of row) {
      boxes.set(node.name, { x, y: MARGIN + layer * (HEIGHT + DOWN), width: widthOf(node) });
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
  return arrow(points, `${outer} is taken outside ${inner}`, 'down');
}

/** Out to the right, up or down the lane, and in from the right. */
function up({ outer, inner }: Line, boxes: ReadonlyMap<string, Box>, lane: number): string {
  const ends = [outer, inner].map((name) => boxes.get(name));
  const [from, to] = ends;
  if (from === undefined || to === undefined) return '';
  const middle = ({ y }: Box, shift: number) => y + HEIGHT / 2 + shift;
  const points = [
    [from.x + from.width, middle(from, from === to ? HEIGHT / 4 : 0)],
    [lane, middle(from, from === to ? HEIGHT / 4 : 0)],
    [lane, middle(to, from === to ? -HEIGHT / 4 : 0)],
    [to.x + to.width, middle(to, from === to ? -HEIGHT / 4 : 0)],
  ] as const;
  return arrow(points, `${outer} is taken outside ${inner}, against the order`, 'back');
}

type Points = readonly (readonly [x: number, y: number])[];

/** How the line looks, and its head, from the point on: it comes from above, or against the order and from the right. */
const STYLES = {
  down: { dashes: '', head: 'l-4-8h8z' },
  back: { dashes: ' stroke-dasharray="5 3"', head: 'l8-4v8z' },
} as const;

function arrow(points: Points, title: string, style: keyof typeof STYLES): string {
  const { dashes, head } = STYLES[style];
  const line = `<path d="M${points.map(point).join('L')}" fill="none" stroke="currentColor" stroke-width="1.2"${dashes}/>`;
  const tip = `<path d="M${point(points.at(-1) ?? [0, 0])}${head}" fill="currentColor"/>`;
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
