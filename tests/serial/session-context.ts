import type { EnrolledSensor, SessionContext } from "../../drivers/driver.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { assignmentId, catalogueId, hubId, sensorId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";

export const quietLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => quietLogger,
};

export const enrolled = (given: Partial<EnrolledSensor> = {}): EnrolledSensor => ({
  id: sensorId("sensor-1"),
  assignment: assignmentId("care-1"),
  catalogue: { id: catalogueId("maker-model"), version: "1" },
  manufacturer: "Maker",
  model: "Model",
  udi: null,
  quirks: [],
  ...given,
});

export const sessionContext = (clock: Clock & HubTime, sensor: Partial<EnrolledSensor> = {}): SessionContext => ({
  sensor: enrolled(sensor),
  hub: { id: hubId("hub-1"), version: "0.1.0" },
  zone: "Europe/Stockholm",
  clock,
  time: clock,
  logger: quietLogger,
  memory: createMemorySensorMemory(),
});
