import { type Ledger, missingCount } from "./ledger.ts";

/** What became of one number at the region. `known`: a measurement that had taken effect under another number. */
export type Fate = "accepted" | "known" | "refused";

/** Whose reading of which day stood under a number. */
export interface Mark {
  /** Catalogue entry and serial number, as the reading names them; null where it names none. */
  readonly device: string | null;
  /** UTC date of reception; null where the hub's clock was not trusted. */
  readonly day: string | null;
  readonly fate: Fate;
}

/** What the region has of one device and day, counted in numbers. */
export interface DayLine extends Readonly<Record<Fate, number>> {
  readonly device: string | null;
  readonly day: string | null;
}

/** The region's account of one hub: what `outbox account` of that hub must agree with. */
export interface DayAccount {
  /** Newest day first, then by device. */
  readonly lines: readonly DayLine[];
  /** Highest number seen; 0 before the first. */
  readonly high: number;
  /** Numbers below it that never came: inclusive ranges, ascending. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
  /** How many those are. All numbers from 1 to `high` are in the lines or here. */
  readonly missing: number;
}

/** Characters of the date in an ISO 8601 text. */
const ISO_DATE = 10;

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** Reads what it can of anything: a reading that is refused may have any shape. */
export const markOf = (candidate: unknown, fate: Fate): Mark => {
  const { device, time } = (candidate ?? {}) as {
    readonly device?: { readonly catalogue?: unknown; readonly serial?: unknown } | null;
    readonly time?: { readonly received?: { readonly utc?: unknown } | null } | null;
  };
  const [catalogue, serial] = [textOf(device?.catalogue), textOf(device?.serial)];
  return {
    device: catalogue === null ? serial : serial === null ? catalogue : `${catalogue} ${serial}`,
    day: textOf(time?.received?.utc)?.slice(0, ISO_DATE) ?? null,
    fate,
  };
};

const newestDayFirst = (a: DayLine, b: DayLine): number =>
  (b.day ?? "").localeCompare(a.day ?? "") || (a.device ?? "").localeCompare(b.device ?? "");

export const dayAccountOf = (ledger: Ledger, marks: ReadonlyMap<number, Mark>): DayAccount => {
  const lines = new Map<string, { device: string | null; day: string | null } & Record<Fate, number>>();
  for (const { device, day, fate } of marks.values()) {
    const key = JSON.stringify([day, device]);
    const line = lines.get(key) ?? { device, day, accepted: 0, known: 0, refused: 0 };
    line[fate] += 1;
    lines.set(key, line);
  }
  return {
    lines: [...lines.values()].toSorted(newestDayFirst),
    high: ledger.high,
    gaps: ledger.gaps.map(({ from, to }) => [from, to] as const),
    missing: missingCount(ledger),
  };
};
