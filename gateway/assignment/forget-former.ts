import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../store/durable-file.ts";
import { fileFailure } from "../store/number-floor.ts";

/** What drivers remember of sensors, and the list of manual entries: of the person that was measured. */
const OF_THE_PERSON = ["sensor-memory.json", "entries.json"] as const;
/** Keys of paired sensors and their serial numbers: of the sensors, which may go along or stay. */
const OF_THE_SENSORS = ["bonds.json", "enrolment.json"] as const;
/** Which readings a broker refuses, and why: of the outbox. */
const OF_THE_OUTBOX = ["quarantine.sealed", "quarantine.sealed.copy"] as const;

const remove = async (dataDir: string, names: readonly string[]): Promise<void> => {
  try {
    for (const name of names) await rm(join(dataDir, name), { force: true });
    await syncDirectory(dataDir);
  } catch (thrown) {
    throw fileFailure("hand-over: forget what was kept of the former assignment", thrown);
  }
};

/**
 * Forget what the hub kept beside the readings of whoever was measured before. While no part of the hub works; durable
 * when it resolves, and safe to repeat. What plausibility knew was in memory only.
 */
export const forgetPerson = (dataDir: string, sensors: "stay" | "leave"): Promise<void> =>
  remove(dataDir, sensors === "leave" ? [...OF_THE_PERSON, ...OF_THE_SENSORS] : OF_THE_PERSON);

/** Beside an outbox that was erased. Sensors are not read again from their beginning: that memory stays. */
export const forgetOutbox = (dataDir: string): Promise<void> => remove(dataDir, [...OF_THE_OUTBOX, "entries.json"]);
