import { HubError } from "../../protocol/errors.ts";

/** What the region signs about a release besides its content: the custom fields of its target. */
export interface ReleaseTerms {
  /** Models of hardware that it runs on, such as "rpi4b". */
  readonly hardware: readonly string[];
  /** As Node's process.arch has it. */
  readonly arch: string;
  /** Goes up with every release, also with one that brings old content back. */
  readonly counter: number;
  /** Lowest counter of a running release that it may follow; what is older goes by a release in between. */
  readonly minFrom: number;
}

export interface ThisHub {
  readonly hardware: string;
  readonly arch: string;
  /** Counter of the release that runs; 0 where it has none. */
  readonly running: number;
  /** Highest counter that was ever committed here. */
  readonly counterFloor: number;
}

/** `context.what` of an `update-rolled-back` that a newer state of the repository would not change. */
export const RELEASE_COUNTER = "counter of the release";

const isCounter = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Null where a field is missing or is not what it should be: a release without terms fits no hub. */
export const parseReleaseTerms = (custom: unknown): ReleaseTerms | null => {
  if (typeof custom !== "object" || custom === null) return null;
  const { hardware, arch, counter, minFrom } = custom as Readonly<Record<string, unknown>>;
  if (!Array.isArray(hardware) || !hardware.every((one) => typeof one === "string")) return null;
  if (typeof arch !== "string" || !isCounter(counter) || !isCounter(minFrom)) return null;
  return { hardware, arch, counter, minFrom };
};

/**
 * The terms of a release that this hub may take. Throws `update-unfit`, or `update-rolled-back` for a counter that is
 * lower than one that was committed; the same counter may come again.
 */
export const checkReleaseTerms = (path: string, custom: unknown, hub: ThisHub): ReleaseTerms => {
  const unfit = (found: string): HubError =>
    new HubError("update-unfit", `update check: ${path} ${found}; ask the region for a release for this hub`);
  const terms = parseReleaseTerms(custom);
  if (terms === null) throw unfit("does not say what hardware it is for");
  if (!terms.hardware.includes(hub.hardware)) {
    throw unfit(`is for ${terms.hardware.join(", ") || "no hardware"}, and this hub is ${hub.hardware}`);
  }
  if (terms.arch !== hub.arch) throw unfit(`is for ${terms.arch}, and this hub is ${hub.arch}`);
  if (terms.counter < hub.counterFloor) {
    throw new HubError(
      "update-rolled-back",
      `update check: ${path} has counter ${terms.counter}, and this hub has already run ${hub.counterFloor}; an older release is refused. To go back, the region signs it again with a higher counter`,
      { context: { what: RELEASE_COUNTER, found: terms.counter, floor: hub.counterFloor } },
    );
  }
  if (hub.running < terms.minFrom) {
    throw unfit(`follows releases from counter ${terms.minFrom} on, and ${hub.running} runs here`);
  }
  return terms;
};
