/**
 * The states of the migration region as it was merged (include/uapi/linux/vfio.h, v5.8): a device that resumes does nothing
 * else, and one state follows another along the arcs that the header draws.
 */
import { ARCS, STATES } from '../../../machines/vfio/v5.8/migration.ts';
import type { Rule } from '../rfc-2019-12/migration_region.ts';

/** VFIO_DEVICE_STATE_VALID() */
export const isValid: Rule = (_now, wanted) => STATES[wanted] !== undefined;

/** The same, and the arcs. To stay is no change. */
export const isArc: Rule = (now, wanted) => {
  const [from, to] = [STATES[now], STATES[wanted]];
  return from !== undefined && to !== undefined && (from === to || ARCS.some(([a, b]) => a === from && b === to));
};
