import { isHubError } from "../../protocol/errors.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { createPlausibility, type Plausibility } from "./plausibility.ts";

/** Waiting readings that are looked at when the hub starts: the last days of a home that is offline. */
const MOST_LEARNED = 200;

/** The plausibility of one hub, which knows what still waits for the region. */
export const openPlausibility = async (
  { plausibility: limits, sensors }: Pick<HubConfig, "plausibility" | "sensors">,
  outbox: Pick<Outbox, "newest">,
  logger: Logger,
): Promise<Plausibility> => {
  const userSlots = new Map<SensorId, number>();
  for (const { id, userSlot } of sensors) if (userSlot !== null) userSlots.set(id, userSlot);
  const plausibility = createPlausibility({ limits, userSlots, logger });
  try {
    for (const reading of await outbox.newest(null, MOST_LEARNED)) plausibility.learn(reading);
  } catch (thrown) {
    // The outbox reports its own trouble; here it only means that the first readings are compared with none.
    if (!isHubError(thrown)) throw thrown;
    logger.warn("plausibility begins without what waits", { code: thrown.code, reason: thrown.message });
  }
  return plausibility;
};
