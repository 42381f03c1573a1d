/** The roles of TUF whose versions only go up; root is a chain of its own. */
export type FlooredRole = "timestamp" | "snapshot" | "targets";

/**
 * What must never go down: versions of metadata, the counter of the release that was committed, and the time at which
 * metadata was last signed (epoch milliseconds).
 */
export type FloorName = FlooredRole | "counter" | "signedAt";

/**
 * Whose keys vouch for it: when root rotates them, the floor goes with them. The version of targets is what snapshot says
 * (TUF specification 5.5.5).
 */
const GOVERNED_BY: Readonly<Record<FloorName, FlooredRole>> = {
  timestamp: "timestamp",
  snapshot: "snapshot",
  targets: "snapshot",
  counter: "targets",
  signedAt: "timestamp",
};

export const FLOOR_NAMES = Object.keys(GOVERNED_BY) as readonly FloorName[];

export interface Floor {
  readonly value: number;
  /** Fingerprints of the keys whose signatures set it: keys of the role that `governorOf` names. */
  readonly signers: readonly string[];
}

export type VersionFloors = Readonly<Partial<Record<FloorName, Floor>>>;

/** The keys of each role under the root that is trusted now. */
export type KeysOf = (role: FlooredRole) => {
  readonly threshold: number;
  readonly fingerprints: ReadonlySet<string>;
};

/**
 * The floor as it stands under the present root; 0 where there is none. It stands as long as the keys that set it would
 * still be enough today. That is how root recovers from a fast-forward attack, in which a thief of keys signs the highest
 * version there is (TUF specification 5.3.11), and it is the only way.
 */
export const floorOf = (floors: VersionFloors, name: FloorName, keysOf: KeysOf): number => {
  const floor = floors[name];
  if (floor === undefined) return 0;
  const { threshold, fingerprints } = keysOf(GOVERNED_BY[name]);
  const stillTrusted = new Set(floor.signers.filter((signer) => fingerprints.has(signer)));
  return stillTrusted.size >= threshold ? floor.value : 0;
};

/** The floors with this one at least at `value`; the same object where nothing changes. */
export const raiseFloor = (
  floors: VersionFloors,
  name: FloorName,
  { value, signers }: Floor,
  keysOf: KeysOf,
): VersionFloors => {
  const isVoid = floors[name] !== undefined && floorOf(floors, name, keysOf) === 0;
  if (!isVoid && (floors[name]?.value ?? 0) >= value) return floors;
  return { ...floors, [name]: { value, signers } };
};

/** The role whose keys vouch for a floor. */
export const governorOf = (name: FloorName): FlooredRole => GOVERNED_BY[name];
