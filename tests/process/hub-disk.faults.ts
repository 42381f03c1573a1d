import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seconds } from "../../protocol/time.ts";
import { NOTHING_LOST } from "../home/real-home.ts";
import { titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type HubAtHome, openHubAtHome } from "./hub-at-home.ts";
import { createSmallDisk, diskMounts } from "./small-disk.ts";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-hub-disk-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const SPOT = ["scale", "cuff", "thermometer", "spot-oximeter"];
const A_MINUTE = 100_000;
const never = new AbortController().signal;

/** Measure until the outbox refuses, and hold what the hub does then to its promises. */
const measureUntilHeld = async (hub: HubAtHome): Promise<void> => {
  const { home } = hub;
  await until(
    async () => {
      for (const sensor of SPOT) if (home.sensors.find(({ name }) => name === sensor)?.idle === true) home.use(sensor);
      return (await hub.status()).outbox.held > 0;
    },
    "a reading is held in memory",
    A_MINUTE,
  );
};

const mount = await diskMounts();

describe.skipIf(!mount.available)(titled("on a small disk of its own, a whole hub", mount), () => {
  it.each([
    ["F05: full", "disk full", "nearly full"],
    ["F06: read-only", "cannot be written", "become read-only"],
  ])(
    "%s: holds readings, acknowledges none of them, says so, and recovers alone",
    async (fault, why, alarm) => {
      const folder = join(place, "home");
      await using disk = await createSmallDisk(place, join(folder, "data"));
      await using hub = await openHubAtHome(folder);
      const { home } = hub;
      await hub.store(4, SPOT);
      const isFull = fault.startsWith("F05");
      if (isFull) await disk.fill(0);
      else await disk.breakDown();

      await measureUntilHeld(hub);
      const { outbox } = await hub.status();
      expect(outbox.trouble).toContain(why);
      const stored = hub.count("stored");
      // The cuff keeps what was not confirmed to it: the hub has not said that it stored anything.
      home.use("cuff");
      await until(() => hub.told().includes(alarm), `the hub says that the disk is ${alarm}`, A_MINUTE);
      expect(hub.told()).toContain("outbox refuses readings, holding them in memory");
      expect(hub.count("stored")).toBe(stored);
      expect(home.sensors.find(({ name }) => name === "cuff")?.idle).toBe(false);
      expect((await hub.status()).outbox.held).toBeGreaterThan(0);
      const codes = (): readonly string[] => hub.regionEvents().map(({ code }) => code);
      await until(() => codes().includes("storage-fault"), "the region has the alarm", A_MINUTE);

      if (isFull) await disk.free();
      else disk.repair();
      await until(async () => (await hub.status()).outbox.held === 0, "nothing is held any more", 2 * A_MINUTE);
      const hasRoom = (): boolean =>
        hub.regionEvents().some(({ code, detail }) => code === "buffer-high" && detail.state === "recovered");
      // Until then the hub sheds the lines of its log that the home goes by.
      if (isFull) await until(hasRoom, "the hub says that there is room again", A_MINUTE);
      await hub.store(1, ["scale"]);
      const summary = await home.finish(seconds(90), never);
      process.stdout.write(`${JSON.stringify({ fault, taken: summary.taken, lost: summary.lost })}\n`);
      expect(summary).toMatchObject({ ...NOTHING_LOST, hubStarts: 1 });
    },
    600_000,
  );
});
