import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import {
  createMemoryOutbox,
  createMemoryOutboxDisk,
  type MemoryOutboxDisk,
} from "../../hardware-sim/ports/memory-outbox.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { outboxContract } from "./outbox.ts";

outboxContract("sqlite", (directory) =>
  openSqliteOutbox({ directory, clock: createSimulatedClock(), logger: silentLogger }),
);

const disks = new Map<string, MemoryOutboxDisk>();

outboxContract("memory", async (place) => {
  const disk = disks.get(place) ?? createMemoryOutboxDisk();
  disks.set(place, disk);
  return createMemoryOutbox(disk);
});
