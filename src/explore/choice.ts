/** Which thread takes which way of its step: an index into the ways of its position. */
export interface Choice {
  readonly thread: number;
  readonly way: number;
}
