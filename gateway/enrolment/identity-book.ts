import { readFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { replaceDurably } from "../store/durable-file.ts";

/** What is known of who a sensor is, beyond the address or port that it is enrolled by. */
export interface SensorIdentity {
  /** The serial number that it told first, or that a technician accepted; null: it has told none. */
  readonly serialNumber: string | null;
  /** The serial number that another sensor told in its place; null where it is itself. */
  readonly found: string | null;
}

/** A sensor of this home, and where it answers: `ble:<address>` or `serial:<port>`. */
export interface BoundSensor {
  readonly id: SensorId;
  readonly bound: string;
}

/** Identities of the sensors of this home, in one file. Each belongs to the address or port that it was learned at. */
export interface IdentityBook {
  of(sensor: SensorId): SensorIdentity;
  /** True when it is durable; false where the disk refused, which was logged: it then counts until the hub ends. */
  write(sensor: SensorId, identity: SensorIdentity): Promise<boolean>;
}

const SCHEMA = "enrolment/1";

const UNKNOWN: SensorIdentity = { serialNumber: null, found: null };

interface Page extends SensorIdentity {
  readonly bound: string;
}

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === "string";

const parse = (text: string): Map<string, Page> => {
  const { schema, sensors } = JSON.parse(text) as { schema?: unknown; sensors?: Record<string, Partial<Page>> };
  if (schema !== SCHEMA || typeof sensors !== "object" || sensors === null) throw new Error("other content");
  return new Map(
    Object.entries(sensors).map(([id, page]) => {
      const { bound, serialNumber, found } = page ?? {};
      if (typeof bound !== "string" || !isTextOrNull(serialNumber) || !isTextOrNull(found)) {
        throw new Error(`sensor ${id} makes no sense`);
      }
      return [id, { bound, serialNumber, found }];
    }),
  );
};

/**
 * Open the file, or begin an empty one where there is none. One that makes no sense is `damaged`, and begun anew too:
 * sensors are still bound to their address and bond, and tell their serial number again. What the file has of sensors
 * that are not of this home any more, or answer elsewhere now, is dropped at the next write.
 */
export const openIdentityBook = async (
  file: string,
  known: readonly BoundSensor[],
  logger: Logger,
  damaged: (sentence: string) => void,
): Promise<IdentityBook> => {
  let read = new Map<string, Page>();
  try {
    read = parse(await readFile(file, "utf8"));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") {
      damaged(`the sensors' serial numbers in ${file} cannot be read (${messageOf(thrown)}); they are learned anew`);
    }
  }
  const pages = new Map<SensorId, Page>(
    known.map(({ id, bound }) => {
      const page = read.get(id);
      return [id, page?.bound === bound ? page : { ...UNKNOWN, bound }];
    }),
  );
  let writing: Promise<unknown> = Promise.resolve();

  const save = async (): Promise<boolean> => {
    try {
      const sensors = Object.fromEntries(pages);
      await replaceDurably(file, `${JSON.stringify({ schema: SCHEMA, sensors })}\n`);
      return true;
    } catch (thrown) {
      logger.warn("sensor identities not written", { path: file, reason: messageOf(thrown) });
      return false;
    }
  };

  return {
    of: (sensor) => {
      const { serialNumber, found } = pages.get(sensor) ?? UNKNOWN;
      return { serialNumber, found };
    },
    write: async (sensor, { serialNumber, found }) => {
      const page = pages.get(sensor);
      if (page === undefined) return false;
      pages.set(sensor, { bound: page.bound, serialNumber, found });
      const saved = writing.then(save);
      writing = saved;
      return await saved;
    },
  };
};
