/**
 * The laws of a machine that can be seen without running it. XState itself refuses a target that does not exist, when
 * the machine is created; the others are checked when its tables are filled.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { ModelError } from './errors.ts';

/** @throws ModelError that names the part, the machine, the state and the law */
export function checkLaws(path: string, machine: AnyStateMachine): void {
  const at = (node: AnyStateNode) =>
    `"${path}": machine "${machine.id}"${node.path.length > 0 ? `, state "${node.path.join('.')}"` : ''}`;
  for (const node of nodesOf(machine.root)) {
    const { config } = node;
    if (config.invoke !== undefined)
      throw new ModelError(
        `${at(node)} invokes another actor`,
        'a kernel object answers by itself: model the other as a part of its own',
      );
    if (config.after !== undefined)
      throw new ModelError(`${at(node)} keeps time (after)`, 'offer the timeout as an event, and let the scheduler choose');
    if (node.type === 'final')
      throw new ModelError(`${at(node)} is final`, 'wrong use splats and stays: a final state would block all who come later');
    if (node.type === 'history')
      throw new ModelError(`${at(node)} remembers where it was (history)`, 'what a machine remembers is in its context');
  }
}

function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node;
  for (const child of Object.values(node.states)) yield* nodesOf(child as AnyStateNode);
}
