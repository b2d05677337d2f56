/** What a lock-order finding says beside its run: who takes which lock while holding which, and whether it ends in a deadlock. */
export interface LockOrder {
  readonly shape: 'circular' | 'recursive' | 'irq';
  /**
   * One for each place: of a circle in its order, the last one closing it; of an interrupt the place with interrupts on,
   * then the handler.
   */
  readonly links: readonly OrderLink[];
  /** `confirmed, see deadlock-1a2b`, `refuted: &gate->lock is held around both`; null where nobody has searched. */
  readonly verdict: string | null;
}

export interface OrderLink {
  readonly thread: string;
  /** The classes, as a kernel names them. */
  readonly holds: string;
  readonly takes: string;
  readonly holdsShared: boolean;
  readonly takesShared: boolean;
  /** The kernel functions that stand open at the acquire, outermost first. */
  readonly functions: readonly string[];
  /** All locks that are held there. */
  readonly held: readonly string[];
}
