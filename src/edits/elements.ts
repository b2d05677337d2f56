/** All that can be taken away, one at a time, from the kernel code that a search has come upon. */
import type { Program } from '../tables/program.ts';
import { accesses } from './accesses.ts';
import type { Element } from './element.ts';
import { Flow } from './flow.ts';
import { orders } from './orders.ts';
import { sections } from './sections.ts';

export function elementsIn(program: Program): readonly Element[] {
  const flow = new Flow(program);
  return [...sections(flow), ...accesses(flow), ...orders(flow, program)];
}
