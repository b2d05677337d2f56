/**
 * Modules: whatever was got was put again, when all is over.
 *
 * To be spread into `leaks`.
 */
type Counted = { readonly owner: { readonly refcnt: number } };

/** @param names the objects whose `owner` is a module that nobody uses when all is over */
export const moduleReferences = <N extends string>(...names: readonly N[]) =>
  Object.fromEntries(
    names.map((name) => [`${name}.owner`, (view: { readonly [K in N]: Counted }) => view[name].owner.refcnt - 1]),
  );
