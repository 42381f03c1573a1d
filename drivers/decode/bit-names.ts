/** Names of the bits that are set, from bit 0 up. A null name is a reserved bit and is not listed. */
export const bitNames = <Name extends string>(raw: number, names: readonly (Name | null)[]): readonly Name[] => {
  const set: Name[] = [];
  names.forEach((name, bit) => {
    if (name !== null && (raw & (1 << bit)) !== 0) set.push(name);
  });
  return set;
};

/** Mask of the bits of `width` that have no name. */
export const unnamedBits = (names: readonly (string | null)[], width: number): number => {
  let mask = 0;
  for (let bit = 0; bit < width; bit++) if ((names[bit] ?? null) === null) mask |= 1 << bit;
  return mask >>> 0;
};
