import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import type { SensorDriver, SessionContext } from "../../drivers/driver.ts";
import { HubError } from "../../protocol/errors.ts";
import { hubId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import { recordingDriver, type SessionRecord } from "../driver-kit/record-session.ts";
import { loadNative } from "../load-native.ts";
import { HUB_VERSION } from "../version.ts";
import type { RecordTarget } from "./record-target.ts";

export interface RecordSurroundings {
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  /** Something that the person at the sensor should know. */
  readonly tell: (sentence: string) => void;
  readonly heard: (reading: DraftReading) => void;
}

/** How often the radio's state is looked at, to tell the person who waits. */
const LOOK_EVERY = millis(500);

const contextOf = (target: RecordTarget, { clock, time, logger }: RecordSurroundings): SessionContext => ({
  sensor: target.sensor,
  hub: { id: hubId("driver-kit"), version: HUB_VERSION },
  zone: target.zone,
  clock,
  time,
  logger,
  // The recording brings its own.
  memory: { read: () => null, write: async () => undefined },
});

const unheard = async (): Promise<never> => {
  throw new HubError("invalid-argument", "driver record: a reading came outside the recorded session");
};

/** The recorder has a sink of its own; what comes here is the radio's own news. */
const newsSink = (tell: (sentence: string) => void) => ({
  take: unheard,
  keepUnreadable: unheard,
  nextCounter: unheard,
  report: (_code: string, message: string) => tell(message),
});

const overSerial = async (
  target: RecordTarget & { readonly place: { readonly tag: "serial" } },
  driver: SensorDriver<unknown>,
  around: RecordSurroundings,
  signal: AbortSignal,
): Promise<void> => {
  const { openSerialTransport } = await loadNative(
    "serial ports",
    "serial-absent",
    () => import("../../drivers/serial/serial-transport.ts"),
  );
  const { entry, place } = target;
  if (entry.transport !== "serial")
    throw new HubError("invalid-argument", `${entry.id} is not read over a serial port`);
  const { clock, time } = around;
  await using transport = await openSerialTransport({ port: place.port, line: entry.line, time, clock }, signal);
  around.tell(`listening on ${transport.path}; take a measurement, and end with Ctrl-C`);
  await driver.session(transport, newsSink(around.tell), contextOf(target, around), signal);
};

const overRadio = async (
  target: RecordTarget & { readonly place: { readonly tag: "ble" } },
  driver: SensorDriver<unknown>,
  around: RecordSurroundings,
  signal: AbortSignal,
): Promise<void> => {
  const { config, enrolment } = target.place;
  if (config.ble === null) throw new HubError("invalid-argument", `${config.file}: no ble.adapter`);
  const { createRadioSource } = await import("../radio/radio-source.ts");
  const { clock, time, logger, tell } = around;
  const source = await createRadioSource(config.ble.adapter, {
    config,
    enrolled: [{ ...enrolment, driver }],
    sinkOf: () => newsSink(tell),
    report: (_code, sentence) => tell(sentence),
    contextOf: () => contextOf(target, around),
    admits: () => true,
    clock,
    time,
    logger,
  });
  tell(`waiting for ${target.sensor.id}; take a measurement, and end with Ctrl-C`);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const watching = (async () => {
    // What is gone at the next look (an adapter that starts) is nothing to tell.
    let [seen, told]: (string | null)[] = [null, null];
    while (!both.aborted) {
      const trouble = source.radio().trouble ?? source.view(target.sensor.id)?.trouble ?? null;
      if (trouble !== null && trouble === seen && trouble !== told) {
        tell(trouble);
        told = trouble;
      }
      seen = trouble;
      await clock.sleep(LOOK_EVERY, both).catch(() => undefined);
    }
  })();
  try {
    await source.run(both);
  } finally {
    stop.abort();
    await watching;
  }
};

type OnSerial = RecordTarget & { readonly place: { readonly tag: "serial" } };
type OnRadio = RecordTarget & { readonly place: { readonly tag: "ble" } };
const isSerial = (target: RecordTarget): target is OnSerial => target.place.tag === "serial";
const isRadio = (target: RecordTarget): target is OnRadio => target.place.tag === "ble";

/**
 * Record the first session with the sensor, until it ends or the signal aborts. Null where there was none. Rejects with
 * HubError where the port cannot be opened.
 */
export const recordSession = async (
  target: RecordTarget,
  around: RecordSurroundings,
  signal: AbortSignal,
): Promise<SessionRecord | null> => {
  const over = new AbortController();
  const found: { record: SessionRecord | null } = { record: null };
  const driver = recordingDriver({
    driver: target.driver,
    time: around.time,
    heard: around.heard,
    ended: (record) => {
      found.record = record;
      over.abort();
    },
  });
  const either = AbortSignal.any([signal, over.signal]);
  if (isSerial(target)) await overSerial(target, driver, around, either);
  else if (isRadio(target)) await overRadio(target, driver, around, either);
  return found.record;
};

/** `A&D EK-L series, driver and-scale 1.0.0`. */
export const titleOf = (entry: CatalogueEntry, driver: SensorDriver<unknown>): string =>
  `${entry.manufacturer} ${entry.model}, driver ${driver.id} ${driver.version}`;
