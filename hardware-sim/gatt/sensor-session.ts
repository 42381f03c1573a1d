import { fromHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";
import type { Chance } from "../radio/seeded.ts";
import { aborted, type Bell } from "./bell.ts";
import type { IndicationOutcome } from "./gatt-connection.ts";
import type { Measured, MeasurementMemory } from "./measurement-memory.ts";
import type { PeripheralConnection } from "./peripheral.ts";
import type { SensorFaults } from "./sensor-options.ts";

export interface SensorSessionOptions<V> {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly memory: MeasurementMemory<V>;
  /** Rings at every new measurement, subscription and change of security. */
  readonly bell: Bell;
  readonly measurement: string;
  readonly afterwards: Millis | "stay";
  faults(): SensorFaults;
  tell(tag: "sent" | "confirmed", id: number): void;
}

/**
 * What a sensor does with one central, until the link is over: indicates its stored measurements oldest first to one
 * that has subscribed, each kept until it is confirmed, and then ends the link after a while.
 */
export const serveCentral = async <V>(
  connection: PeripheralConnection,
  options: SensorSessionOptions<V>,
): Promise<void> => {
  const { clock, chance, memory, bell, measurement, afterwards } = options;
  const { gatt, link, over } = connection;

  const confirm = ({ id }: Measured<V>): void => {
    memory.confirm(id, clock.now());
    options.tell("confirmed", id);
  };

  /** Whether the fault struck that ends the link after an indication. */
  const drops = (): boolean => {
    const { dropMidIndication, dropsSilently } = options.faults();
    if (!chance.happens(dropMidIndication)) return false;
    if (dropsSilently) link.vanish();
    else link.disconnect();
    return true;
  };

  /** One indication of a record; `isLast` once the central then has all of it. */
  const indicatePart = async (
    record: Measured<V>,
    valueHex: string,
    isLast: boolean,
    uninvited: boolean,
  ): Promise<IndicationOutcome> => {
    let dropped = false;
    const sent = (): void => {
      if (isLast) {
        memory.markSent(record.id, clock.now());
        options.tell("sent", record.id);
        if (options.faults().forgetsUnconfirmed && record.confirmedAt === null) confirm(record);
      }
      dropped = drops();
    };
    const outcome = await gatt.indicate(measurement, fromHex(valueHex), { uninvited, sent });
    // After a transaction timeout the bearer may not be used again (Core Vol 3 Part F 3.3.3).
    if (outcome === "timeout") link.disconnect();
    return dropped ? "closed" : outcome;
  };

  const indicate = async (record: Measured<V>, uninvited: boolean): Promise<IndicationOutcome> => {
    const parts = [record.valueHex, ...record.followingHex];
    for (const [index, part] of parts.entries()) {
      const outcome = await indicatePart(record, part, index === parts.length - 1, uninvited);
      if (outcome !== "confirmed") return outcome;
    }
    return "confirmed";
  };

  const deliver = async (record: Measured<V>, uninvited: boolean): Promise<boolean> => {
    if ((await indicate(record, uninvited)) !== "confirmed") return false;
    if (chance.happens(options.faults().duplicateIndication)) await indicate(record, uninvited);
    if (record.confirmedAt === null) confirm(record);
    return true;
  };

  let early = options.faults().earlyIndication;
  let delivered = 0;
  while (!over.aborted) {
    const changed = AbortSignal.any([over, bell.next()]);
    const record = memory.oldest();
    if (record !== null && (early || gatt.subscription(measurement) === "indicate")) {
      const uninvited = early;
      early = false;
      if (await deliver(record, uninvited)) delivered += 1;
      else await aborted(changed);
    } else if (record === null && delivered > 0 && afterwards !== "stay") {
      await clock.sleep(afterwards, changed).then(
        () => link.disconnect(),
        // A new measurement, or the end of the link, came first.
        () => undefined,
      );
    } else await aborted(changed);
  }
};
