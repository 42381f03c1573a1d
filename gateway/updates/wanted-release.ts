import type { DayWindow, Urgency, WantedRelease } from "../../ota/update/update-state.ts";
import { messageOf } from "../../protocol/errors.ts";
import { type EpochMs, epochMs } from "../../protocol/time.ts";

export type ParsedWish =
  | { readonly tag: "wanted"; readonly wanted: WantedRelease }
  | { readonly tag: "wrong"; readonly reason: string };

const MOST_BUCKETS = 10_000;
/** Longest name of a campaign, and longest path of a target, in characters. */
const LONGEST = { campaign: 64, target: 256 } as const;
const URGENCIES: readonly Urgency[] = ["routine", "soon", "critical"];

const isUrgency = (value: unknown): value is Urgency => URGENCIES.some((one) => one === value);

const textOf = (name: keyof typeof LONGEST, value: unknown): string => {
  if (typeof value === "string" && value.length > 0 && value.length <= LONGEST[name]) return value;
  throw new Error(`\`${name}\` is not a text of 1 to ${LONGEST[name]} characters`);
};

const wholeOf = (name: string, value: unknown, most: number): number => {
  if (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most) return Number(value);
  throw new Error(`\`${name}\` is not a whole number from 0 to ${most}`);
};

const momentOf = (value: unknown): EpochMs | null => {
  if (value === undefined || value === null) return null;
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw new Error("`notBefore` is not a moment such as 2026-12-01T02:00:00Z");
  return epochMs(at);
};

const minuteOf = (text: string | undefined): number | null => {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text ?? "") ?? [];
  return hours === undefined ? null : Number(hours) * 60 + Number(minutes);
};

/** `02:00-05:00`, in the time of the home's zone; null where it is none. */
export const dayWindow = (text: string): DayWindow | null => {
  const [first, last, ...more] = text.split("-");
  const [from, to] = [minuteOf(first), minuteOf(last)];
  return from === null || to === null || from === to || more.length > 0 ? null : { from, to };
};

const windowOf = (value: unknown): DayWindow | null => {
  if (value === undefined || value === null) return null;
  const window = typeof value === "string" ? dayWindow(value) : null;
  if (window === null) throw new Error("`window` is not a part of the day such as 02:00-05:00");
  return window;
};

/**
 * The part `release` of the desired state, and `wanted.json` of a stick (docs/updates.md): `{campaign, target, counter,
 * notBefore, window, bucketMax, urgency}`. `folder`: where the repository lies, null for the region's server.
 */
export const parseWantedRelease = (content: unknown, folder: string | null): ParsedWish => {
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return { tag: "wrong", reason: "not an object with campaign, target and counter" };
  }
  const given = content as Readonly<Record<string, unknown>>;
  const { bucketMax = MOST_BUCKETS, urgency = "routine" } = given;
  try {
    if (!isUrgency(urgency)) throw new Error(`\`urgency\` is none of ${URGENCIES.join(", ")}`);
    const wanted: WantedRelease = {
      campaign: textOf("campaign", given.campaign),
      target: textOf("target", given.target),
      counter: wholeOf("counter", given.counter, Number.MAX_SAFE_INTEGER),
      notBefore: momentOf(given.notBefore),
      window: windowOf(given.window),
      bucketMax: wholeOf("bucketMax", bucketMax, MOST_BUCKETS),
      urgency,
      folder,
    };
    return { tag: "wanted", wanted };
  } catch (thrown) {
    return { tag: "wrong", reason: messageOf(thrown) };
  }
};
