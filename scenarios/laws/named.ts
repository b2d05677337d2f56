/** Laws under the name of what they are about, where a scenario may have two of it. */
export type Laws<V> = { readonly [law: string]: (view: V) => boolean };

export const named = <V>(name: string, laws: Laws<V>): Laws<V> =>
  Object.fromEntries(Object.entries(laws).map(([law, holds]) => [`${name}: ${law}`, holds]));
