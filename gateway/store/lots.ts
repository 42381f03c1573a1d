import type { Seal } from "./seal.ts";
import { bytesOf, type Database, integerOf } from "./sqlite.ts";
import type { SqlStatement } from "./transaction.ts";

/** Whose readings of which day are counted together. */
export interface Lot {
  /** The hub's own name of the sensor; null where a reading came from none. */
  readonly sensor: string | null;
  /** UTC date of reception; null where the hub's clock was not trusted. */
  readonly day: string | null;
}

/** Rows carry the number of their lot (schema.ts), so that the account can say what became of each sensor's readings. */
export interface Lots {
  /** The number of a lot; a new one where it is the first of its kind. 0 is no lot: rows of version 1. */
  numberOf(lot: Lot): number;
  /** Null for 0, and for a lot that could not be read. */
  of(number: number): Lot | null;
  /** Rows for the lots that are not on the disk yet; in the same commit as the first reading of them. */
  statements(): readonly SqlStatement[];
  /** What `statements` gave is durable. */
  saved(): void;
}

/** Names are sealed: when somebody measures is nobody's business either. */
const boundOf = (number: number): Uint8Array => Buffer.from(`lot 1 ${number}`);

/** Ten sensors over a year. Beyond it, lots without any remembered row are dropped when the outbox is opened. */
const MANY = 4096;

/** Numbers by sensor and day. It is asked for each reading twice. */
const createNumbers = () => {
  const bySensor = new Map<string | null, Map<string | null, number>>();
  return {
    get: ({ sensor, day }: Lot): number | undefined => bySensor.get(sensor)?.get(day),
    set: ({ sensor, day }: Lot, number: number): void => {
      const byDay = bySensor.get(sensor) ?? new Map<string | null, number>();
      byDay.set(day, number);
      bySensor.set(sensor, byDay);
    },
  };
};

export const loadLots = async (
  database: Database,
  seal: Seal,
  inUse: () => ReadonlySet<number>,
): Promise<{ lots: Lots; surplus: readonly SqlStatement[] }> => {
  const byNumber = new Map<number, Lot | null>();
  for (const row of await database.all("SELECT id, sealed FROM lot")) {
    const number = integerOf(row, "id");
    const plain = seal.open(bytesOf(row, "sealed"), boundOf(number));
    byNumber.set(number, plain === null ? null : (JSON.parse(Buffer.from(plain).toString("utf8")) as Lot));
  }
  let last = Math.max(0, ...byNumber.keys());
  const surplus: SqlStatement[] = [];
  if (byNumber.size > MANY) {
    const used = inUse();
    for (const number of [...byNumber.keys()]) {
      if (used.has(number)) continue;
      byNumber.delete(number);
      surplus.push({ sql: "DELETE FROM lot WHERE id = ?", parameters: [number] });
    }
  }
  const numbers = createNumbers();
  for (const [number, lot] of byNumber) if (lot !== null) numbers.set(lot, number);
  let unsaved: number[] = [];
  let saving = 0;

  const lots: Lots = {
    numberOf: (lot) => {
      const known = numbers.get(lot);
      if (known !== undefined) return known;
      last += 1;
      numbers.set(lot, last);
      byNumber.set(last, lot);
      unsaved.push(last);
      return last;
    },
    of: (number) => byNumber.get(number) ?? null,
    statements: () => {
      saving = unsaved.length;
      return unsaved.map((number) => ({
        sql: "INSERT OR REPLACE INTO lot (id, sealed) VALUES (?, ?)",
        parameters: [number, seal.seal(Buffer.from(JSON.stringify(byNumber.get(number))), boundOf(number))],
      }));
    },
    saved: () => {
      unsaved = unsaved.slice(saving);
      saving = 0;
    },
  };
  return { lots, surplus };
};
