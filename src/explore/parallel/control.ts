/** Places in the memory that all threads share for saying how far they are. */
export const PAUSE = 0;
export const NEXT_PARENT = 1;
export const INNER_NEXT = 2;
export const INNER_LIMIT = 3;
export const ROOTS_NEXT = 4;
export const ROOTS_LIMIT = 5;
/** One for each worker: whether its question is answered. */
export const ANSWERED = 6;

export const controlFor = (workers: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * (ANSWERED + workers)));
