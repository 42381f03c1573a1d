import { beforeEach, describe, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import type { SensorDriver } from "../../drivers/driver.ts";
import { driverOf } from "../../drivers/registry.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { assignmentId, catalogueId, hubId, sensorId } from "../../protocol/ids.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { createRecordingSink, type RecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { type Enrolment, enrol } from "../config/enrol.ts";
import type { SensorConfig } from "../config/hub-config.ts";
import { createEnrolmentGuard, type EnrolmentGuard } from "./enrolment-guard.ts";
import type { IdentityBook, SensorIdentity } from "./identity-book.ts";

const CUFF = sensorId("cuff");
const SECOND = sensorId("second-cuff");
const catalogue = await loadCatalogue();
const nobody = null as unknown as Transport;
const never = new AbortController().signal;

/** A reading of a sensor that tells this serial number and firmware. */
const told = (serial: string | null, firmware: string | null = null): DraftReading => {
  const sample = sampleReading(1);
  return { ...sample, device: { ...sample.device, serial, firmware } };
};

const memoryBook = (): IdentityBook & { readonly pages: Map<string, SensorIdentity> } => {
  const pages = new Map<string, SensorIdentity>();
  return {
    pages,
    of: (sensor) => pages.get(sensor) ?? { serialNumber: null, found: null },
    write: async (sensor, identity) => {
      pages.set(sensor, identity);
      return true;
    },
  };
};

/** A driver that takes what the test gives it, and ends. */
const drivenBy = (readings: () => readonly DraftReading[]): SensorDriver<unknown> => {
  const driver = driverOf("gatt-blood-pressure");
  if (driver === undefined) throw new Error("no driver");
  return {
    ...driver,
    session: async (_transport, sink) => {
      await sink.take(readings());
      return { readings: readings().length, reason: "complete" };
    },
  };
};

describe("the guard over the enrolled sensors", () => {
  let book = memoryBook();
  let events: { code: string; message: string; detail: object }[] = [];
  let sink: RecordingSink = createRecordingSink();
  let next: readonly DraftReading[] = [];

  beforeEach(() => {
    book = memoryBook();
    events = [];
    sink = createRecordingSink();
  });

  const guard = (
    changes: Partial<SensorConfig> = {},
    firmware: object | null = null,
    transport: "ble" | "serial" = "ble",
  ): EnrolmentGuard => {
    const common = { model: catalogueId("and-ua-651ble"), assignment: null, serialNumber: null, userSlot: null };
    const at = (id: typeof CUFF, address: string): SensorConfig => ({ ...common, id, transport: "ble", address });
    const sensors = [{ ...at(CUFF, "c0:26:da:00:00:01"), ...changes } as SensorConfig, at(SECOND, "c0:26:da:00:00:09")];
    const hub = { id: hubId("h"), assignment: assignmentId("a"), dataDir: "/data", timeZone: "UTC" };
    const { enrolled } = enrol({ sensors, hub, catalogue: { folder: null, certifiedOnly: false } }, catalogue, () =>
      drivenBy(() => next),
    );
    const withRange = enrolled.map((one): Enrolment => {
      const certification = { ...one.entry.certification, firmware };
      return { ...one, entry: { ...one.entry, certification, transport } as CatalogueEntry };
    });
    return createEnrolmentGuard({
      enrolled: withRange,
      book,
      logger: silentLogger,
      report: (code, message, detail) => void events.push({ code, message, detail }),
    });
  };

  const session = async (watch: EnrolmentGuard, readings: readonly DraftReading[], id = CUFF): Promise<unknown> => {
    next = readings;
    const driver = watch.enrolled.find(({ sensor }) => sensor.id === id)?.driver;
    return await driver
      ?.session(nobody, sink, sessionContext(createSimulatedClock()), never)
      .catch((thrown: unknown) => thrown);
  };

  it("learns the serial number at the first session that tells one, after the readings are durable", async () => {
    const watch = guard();
    await session(watch, [told(null)]);
    expect(book.pages.size).toBe(0);
    await session(watch, [told(null), told("A1")]);
    expect(book.of(CUFF)).toEqual({ serialNumber: "A1", found: null });
    expect([sink.taken.length, sink.unreadable.length, events]).toEqual([3, 0, []]);
    await session(watch, [told("A1\0")]);
    await session(watch, [told(null)]);
    expect(sink.taken).toHaveLength(5);
  });

  it("gives nobody the readings of another sensor in its place: they are kept, unconfirmed, and it is not read any more", async () => {
    const watch = guard();
    await session(watch, [told("A1")]);
    expect(await session(watch, [told(null), told("B2")])).toMatchObject({
      code: "sensor-unknown",
      message: "sensor cuff: another sensor answers in its place; hemhub sensor accept cuff",
    });
    expect(sink.taken).toHaveLength(1);
    const { rawHex, source } = told("B2").provenance;
    const kept = { sensor: CUFF, channel: source, rawHex, reason: expect.stringMatching(/^serial mismatch: /) };
    expect(sink.unreadable).toMatchObject([kept, kept]);
    expect(events).toMatchObject([{ code: "sensor-mismatch", detail: { sensor: CUFF } }]);
    expect(JSON.stringify(events)).not.toMatch(/A1|B2/);
    expect([watch.admits(CUFF), watch.admits(SECOND)]).toEqual([false, true]);
    expect(watch.trouble(CUFF)).toContain("serial number B2 instead of A1");

    expect(await session(watch, [told("A1")])).toMatchObject({ code: "sensor-unknown" });
    expect([sink.taken.length, sink.unreadable.length, events.length]).toEqual([1, 2, 1]);
  });

  it("remembers across a restart, and says so again", async () => {
    await session(guard(), [told("A1")]);
    await session(guard(), [told("B2")]);
    events = [];
    const restarted = guard();
    expect(restarted.admits(CUFF)).toBe(false);
    expect(events).toMatchObject([{ code: "sensor-mismatch", detail: { sensor: CUFF } }]);
    await session(restarted, [told("B2")]);
    expect(sink.taken).toHaveLength(1);
  });

  it("takes the other sensor for the enrolled one when a person says so", async () => {
    const watch = guard();
    await session(watch, [told("A1")]);
    await session(watch, [told("B2")]);
    expect(await watch.accept("cuff")).toBe("sensor cuff is now the one with serial number B2");
    expect([watch.admits(CUFF), watch.trouble(CUFF)]).toEqual([true, null]);
    expect(events.at(-1)).toMatchObject({ code: "sensor-mismatch", detail: { state: "recovered" } });
    await session(watch, [told("B2")]);
    expect(sink.taken).toHaveLength(2);
    await session(watch, [told("A1")]);
    expect(watch.trouble(CUFF)).toContain("serial number A1 instead of B2");
  });

  it("reads the enrolled one again when a person has put it back, and looks again", async () => {
    const watch = guard();
    await session(watch, [told("A1")]);
    await session(watch, [told("B2")]);
    expect(await watch.retry("cuff")).toMatch(/^sensor cuff is read again; measure once/);
    await session(watch, [told("A1")]);
    expect(sink.taken).toHaveLength(2);
    await session(watch, [told("B2")]);
    expect(watch.admits(CUFF)).toBe(false);
  });

  it("holds the serial number of the configuration above all, also above what a person accepts", async () => {
    const watch = guard({ serialNumber: "A1" });
    await session(watch, [told("B2")]);
    expect(sink.taken).toEqual([]);
    await expect(watch.accept("cuff")).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("stands in the configuration as A1; correct it to B2 there and restart"),
    });
    const corrected = guard({ serialNumber: "B2" });
    expect([corrected.admits(CUFF), corrected.trouble(CUFF)]).toEqual([true, null]);
    await session(corrected, [told(null)]);
    await session(corrected, [told("B2")]);
    expect(sink.taken.map(({ quality }) => quality)).toEqual([["unconfirmed"], []]);
    expect(book.of(CUFF)).toEqual({ serialNumber: "B2", found: null });
  });

  it("has nothing to accept where nothing is wrong, and says which sensors there are", async () => {
    const watch = guard();
    for (const act of [watch.accept, watch.retry]) {
      await expect(act("cuff")).rejects.toThrow(/no other sensor answers in the place of cuff/);
      await expect(act("cup")).rejects.toThrow(/no sensor cup is read here; known: cuff, second-cuff/);
    }
  });

  it("tells two sensors of one model apart", async () => {
    const watch = guard();
    await session(watch, [told("A1")]);
    await session(watch, [told("B2")], SECOND);
    expect([book.of(CUFF).serialNumber, book.of(SECOND).serialNumber]).toEqual(["A1", "B2"]);
    await session(watch, [told("A1")], SECOND);
    expect([watch.admits(CUFF), watch.admits(SECOND)]).toEqual([true, false]);
  });

  it("learns nothing where two numbers are told at once", async () => {
    const watch = guard();
    await session(watch, [told("A1"), told("B2")]);
    expect([sink.taken.length, sink.unreadable.length, watch.admits(CUFF)]).toEqual([0, 2, false]);
  });

  it("believes a number on a cable when it was told twice: noise gets past a checksum", async () => {
    const watch = guard({}, null, "serial");
    await session(watch, [told("A7")]);
    await session(watch, [told("A1")]);
    expect(book.of(CUFF).serialNumber).toBeNull();
    await session(watch, [told("A1")]);
    expect(book.of(CUFF).serialNumber).toBe("A1");

    expect(await session(watch, [told("B7")])).toMatchObject({
      code: "sensor-unknown",
      message: expect.stringMatching(/told another serial number once, by noise .*; measure again$/),
    });
    await session(watch, [told("A1")]);
    await session(watch, [told("B2")]);
    expect([sink.taken.length, sink.unreadable.length, watch.admits(CUFF)]).toEqual([4, 2, true]);
    expect(events.map(({ detail }) => detail)).toEqual(Array(2).fill({ sensor: CUFF, state: "suspected" }));
    expect(await session(watch, [told("B2")])).toMatchObject({ code: "sensor-unknown" });
    expect([sink.taken.length, sink.unreadable.length, watch.admits(CUFF)]).toEqual([4, 3, false]);
  });

  it("does not learn from readings that could not be stored", async () => {
    const watch = guard();
    sink.beforeTake = () => Promise.reject(new Error("disk full"));
    await session(watch, [told("A1")]);
    expect(book.pages.size).toBe(0);
  });

  describe("with a certificate for some firmware only", () => {
    it("keeps readings of any other, flagged, and reports each revision once", async () => {
      const watch = guard({}, { from: "1.0", to: "1.4" });
      await session(watch, [told(null, "1.2"), told(null, null)]);
      expect([sink.taken.flatMap(({ quality }) => quality), events]).toEqual([[], []]);
      await session(watch, [told(null, "1.5")]);
      await session(watch, [{ ...told(null, "1.5"), quality: ["questionable"] }]);
      expect(sink.taken.slice(2).map(({ quality }) => quality)).toEqual([["questionable"], ["questionable"]]);
      expect(events).toMatchObject([
        {
          code: "sensor-firmware",
          message: expect.stringMatching(/^sensor cuff: firmware 1\.5 is not one of 1\.0 to 1\.4, which model and-ua/),
        },
      ]);
      expect(watch.notice(CUFF)).toMatch(/^firmware 1\.5 is not one of 1\.0 to 1\.4/);
      await session(watch, [told(null, "2.0")]);
      expect(events).toHaveLength(2);
      await session(watch, [told(null, "1.4")]);
      expect(watch.notice(CUFF)).toBeNull();
    });

    it("says that a revision cannot be compared, and flags nothing for that", async () => {
      const watch = guard({}, { from: "1.0", to: null });
      await session(watch, [told(null, "BLP010_d007")]);
      expect(sink.taken.map(({ quality }) => quality)).toEqual([[]]);
      expect(events[0]?.message).toContain("firmware BLP010_d007 cannot be compared with 1.0 or newer");
    });
  });
});
