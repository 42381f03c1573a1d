import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../driver.ts";
import type { Zones } from "../normalise/zone.ts";
import { createLineWatch } from "./line-watch.ts";
import { meterPair, setMeterClock } from "./meter-clock.ts";
import { createMeterLine } from "./meter-line.ts";
import type { MeterProtocol, MeterVisit } from "./meter-protocol.ts";
import { readOut } from "./read-out.ts";
import { createRecordTaker } from "./record-taker.ts";

/**
 * Rests between visits. A meter that is switched on is read within 5 s; one that stays on is asked every 15 s whether it
 * has something new, one short exchange. Each list goes on with its last rest.
 */
const RESTS = {
  /** Nobody answers: asleep, off, or not at its cable. */
  silent: [seconds(2), seconds(3), seconds(5)],
  /** All is read. */
  read: [seconds(5), seconds(10), seconds(15)],
  /** Part of the memory was spoiled on the line: again soon, but not for ever in a row. */
  partly: [seconds(1), seconds(5), seconds(15)],
  /** Something that is not to be read. */
  other: [seconds(15)],
} as const satisfies Record<string, readonly Millis[]>;

type VisitEnd = keyof typeof RESTS;

/** A meter that did not take the time so many times in a row keeps its own for this connection. */
const MOST_REFUSALS = 3;

/**
 * Visits in a row that are put off because the clock did not answer: without it records of the past have no time, and
 * they are told once only. After that they are better than none.
 */
const MOST_CLOCKLESS = 3;

/**
 * One connection to a meter that answers questions, until it is unplugged (`disconnected`) or the signal aborts
 * (`aborted`). While the port is open the meter is visited: at once when it announces itself, else again and again. A
 * visit reads its clock first, then every record that is newer than what `context.memory` remembers, each with the pair
 * of clocks, and sets the clock last, where it is off: so no record is ever read under another clock than it was stored
 * under. What was taken is remembered only after `sink.take` resolved; when that rejects so does the session. Nothing on
 * the meter is erased.
 *
 * Every reading names the meter's own number, where it tells one: whose the meter is, is for the sink to say, and where
 * that refuses, nothing is remembered. A meter of another kind is reported and not read. Where bytes come and none make
 * sense, `serial-fault` is reported once, with what to check. Silence is no fault.
 */
export const runMeterSession = async <R>(
  driver: Pick<SensorDriver<R>, "id" | "version" | "normalise">,
  protocol: MeterProtocol<R>,
  zones: Zones,
  transport: Transport,
  sink: ReadingSink,
  context: SessionContext,
  signal: AbortSignal,
): Promise<SessionEnd> => {
  const { sensor, clock, time, memory, zone } = context;
  const { source, unreadableAfter } = protocol;
  const logger = context.logger.with({ sensor: sensor.id, driver: driver.id });
  const watch = createLineWatch({ sensor: sensor.id, source, unreadableAfter, sink, clock, logger });
  const takeRecords = createRecordTaker({ driver, source, timeOf: protocol.timeOf, sink, context });
  const { createFramer, recognise } = protocol;
  const line = createMeterLine({ transport, createFramer, recognise, watch, clock, time, signal });
  const talk = protocol.createTalk();
  let readings = 0;
  let isOtherReported = false;
  let refusals = 0;
  let clockless = 0;

  const take: typeof takeRecords = async (records) => {
    const taken = await takeRecords(records);
    readings += taken;
    return taken;
  };

  const readMemories = async (visit: MeterVisit): Promise<VisitEnd> => {
    const { serial } = visit;
    // Without a look at the memory its clock is left alone: a record may wait there that was stored under it.
    if (visit.memories.length === 0) return "read";
    const shown = visit.clock === null ? null : await visit.clock.read();
    if (visit.clock !== null && shown === null && clockless < MOST_CLOCKLESS) {
      clockless += 1;
      return "partly";
    }
    clockless = 0;
    const pairs = { before: shown === null ? null : meterPair(shown), after: null };
    const before = readings;
    let isComplete = true;
    for (const stored of visit.memories) {
      const out = { protocol, take, remembers: memory, watch, pairs, serial };
      if (!(await readOut(stored, out))) isComplete = false;
    }
    if (readings > before) logger.info("meter read", { readings: readings - before });
    if (!isComplete) return "partly";
    if (visit.clock !== null && shown !== null && refusals < MOST_REFUSALS) {
      const isRight = await setMeterClock({ clock: visit.clock, shown, line, zone: zones.zone(zone), logger });
      refusals = isRight ? 0 : refusals + 1;
    }
    return "read";
  };

  const visitOnce = async (isCalled: boolean): Promise<VisitEnd> => {
    const start = await talk.visit(line, isCalled);
    if (start.tag === "silent") return "silent";
    if (start.tag === "other-meter") {
      const message = `sensor ${sensor.id}: ${start.found} answers on its port; connect the sensor of the catalogue entry, or correct the entry`;
      if (!isOtherReported) sink.report("unknown-sensor", message, { sensor: sensor.id, source });
      isOtherReported = true;
      return "other";
    }
    isOtherReported = false;
    return await readMemories(start.visit);
  };

  const visitForEver = async (): Promise<never> => {
    let last: VisitEnd | null = null;
    let times = 0;
    let isCalled = false;
    for (;;) {
      const before = readings;
      line.wasCalled();
      const end = await visitOnce(isCalled);
      times = end === last && readings === before ? times + 1 : 0;
      last = end;
      const rests = RESTS[end];
      const rest = rests[Math.min(times, rests.length - 1)] ?? millis(0);
      // A meter that called while a question was on its way to it in its sleep is there now.
      isCalled = (line.wasCalled() && end === "silent") || (await line.idle(rest));
    }
  };

  try {
    return await visitForEver();
  } catch (thrown) {
    if (signal.aborted && thrown === signal.reason) return { readings, reason: "aborted" };
    if (!isHubError(thrown, "serial-closed")) throw thrown;
    logger.debug("meter gone", { found: messageOf(thrown) });
    return { readings, reason: "disconnected" };
  }
};
