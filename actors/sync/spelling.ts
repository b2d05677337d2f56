/** How the step's second object reads in C, where a trace spells the first by itself. Entries and blocks are pointers. */
export const spelled = (object: { readonly path: string }): string => object.path.replace(/@[^.]*/, '').replace('.', '->');
