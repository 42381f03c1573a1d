import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Advertisement, BleRadio } from "../../protocol/ports/radio.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { millis } from "../../protocol/time.ts";
import type { ReadingSink, SessionContext } from "../driver.ts";
import { initialPolicy, type RadioEffect, type RadioEvent, radioPolicy } from "./radio-policy.ts";
import { createRadioLedger, type RadioStatus } from "./radio-status.ts";
import { OPEN_ACCESS, type SensorAccess } from "./sensor-access.ts";
import { type BleEnrolment, runSession } from "./sensor-session.ts";
import { createUnknownAdvertisers } from "./unknown-advertisers.ts";

export interface RadioSchedulerOptions {
  /** Started, scanned and connected by the scheduler alone. Whoever made it disposes of it, after `run`. */
  readonly radio: BleRadio;
  readonly sensors: readonly BleEnrolment[];
  readonly sink: ReadingSink;
  contextOf(enrolment: BleEnrolment): SessionContext;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: every sensor by the address that it advertises. */
  readonly access?: SensorAccess;
}

export interface RadioScheduler {
  /**
   * Reads the enrolled sensors until the signal aborts and every session has ended. Call once. Never rejects for what
   * radio or sensors do: that is in `status`, in the log and, where a person should act, in the sink's reports.
   */
  run(signal: AbortSignal): Promise<void>;
  status(): RadioStatus;
}

type EventOf<E> = E extends unknown ? Omit<E, "now"> : never;

const isTrouble = (thrown: unknown): boolean =>
  isHubError(thrown, "adapter-absent") || isHubError(thrown, "adapter-wedged");

/** The radio policy, run over a radio (see radio-policy.ts for the rules). */
export const createRadioScheduler = (options: RadioSchedulerOptions): RadioScheduler => {
  const { radio, sink, clock, logger, access = OPEN_ACCESS } = options;
  const byAddress = new Map(options.sensors.map((one) => [one.address.toLowerCase(), one]));
  const byId = new Map(options.sensors.map((one) => [one.sensor.id, one]));
  const latest = new Map<SensorId, Advertisement>();
  const unknown = createUnknownAdvertisers();
  const ledger = createRadioLedger(options.sensors);
  let policy = initialPolicy(options.sensors.map(({ sensor, driver }) => ({ id: sensor.id, stays: driver.stays })));

  const run = async (signal: AbortSignal): Promise<void> => {
    const tasks = new Set<Promise<void>>();
    let scanStop = new AbortController();
    let wakeUp = new AbortController();

    const post = (event: EventOf<RadioEvent>): void => {
      if (signal.aborted) return;
      const step = radioPolicy(policy, { ...event, now: clock.elapsed() } as RadioEvent);
      policy = step.state;
      for (const effect of step.effects) perform(effect);
    };

    const postTrouble = (thrown: unknown): void => {
      const kind = isHubError(thrown, "adapter-absent") ? "adapter-absent" : "adapter-wedged";
      post({ tag: "trouble", kind, message: messageOf(thrown) });
    };

    const spawn = (work: () => Promise<void>): void => {
      const task = work().finally(() => tasks.delete(task));
      tasks.add(task);
    };

    const start = async (): Promise<void> => {
      try {
        await radio.start(signal);
      } catch (thrown) {
        postTrouble(thrown);
        return;
      }
      post({ tag: "started" });
    };

    const hear = (advertisement: Advertisement): void => {
      const enrolment = byAddress.get(access.identityOf(advertisement.address));
      const id = enrolment?.sensor.id ?? access.candidate(advertisement);
      if (id !== null) {
        latest.set(id, advertisement);
        ledger.seen(id, advertisement);
        post({ tag: "heard", sensor: id, connectable: advertisement.connectable && access.admits(id) });
        return;
      }
      const service = unknown.notice(advertisement, clock.elapsed());
      if (service === null) return;
      const { address, rssi } = advertisement;
      logger.info("unknown sensor", { address, service, rssi });
      const next = "enrol it with a catalogue entry, or leave it if it belongs to a neighbour";
      const message = `Bluetooth sensor ${address} offers medical service ${service} and is not enrolled; ${next}`;
      sink.report("unknown-sensor", message, { address, service, rssi });
    };

    const scan = async (stop: AbortSignal): Promise<void> => {
      try {
        for await (const advertisement of radio.scan(stop)) hear(advertisement);
      } catch (thrown) {
        postTrouble(thrown);
        return;
      }
      post({ tag: "scan-stopped" });
    };

    const connected = async (enrolment: BleEnrolment, link: BleLink): Promise<void> => {
      const { id } = enrolment.sensor;
      ledger.connected(id);
      logger.info("sensor connected", { sensor: id });
      const outcome = await runSession(enrolment, link, sink, options.contextOf(enrolment), signal);
      ledger.ended(id, outcome);
      const { reason, readings, trouble } = outcome;
      logger.info("session ended", { sensor: id, reason, readings, trouble });
      post({ tag: "session-ended", sensor: id, readings, failed: reason !== "complete" });
    };

    const connect = async (id: SensorId): Promise<void> => {
      const [enrolment, advertisement] = [byId.get(id), latest.get(id)];
      if (enrolment === undefined || advertisement === undefined) throw new Error(`sensor ${id}: due and never heard`);
      ledger.connecting(id);
      let link: BleLink;
      try {
        link = await radio.connect(advertisement, signal);
      } catch (thrown) {
        ledger.failed(id, messageOf(thrown));
        if (isTrouble(thrown)) {
          postTrouble(thrown);
        } else {
          logger.info("sensor not connected", { sensor: id, trouble: messageOf(thrown) });
          post({ tag: "not-connected", sensor: id });
        }
        return;
      }
      post({ tag: "connected", sensor: id });
      await connected(enrolment, link);
    };

    const wake = async (delay: number, until: AbortSignal): Promise<void> => {
      try {
        await clock.sleep(millis(Math.max(0, delay)), until);
      } catch {
        // A later wake replaced this one, or the hub stops.
        return;
      }
      post({ tag: "tick" });
    };

    const perform = (effect: RadioEffect): void => {
      switch (effect.tag) {
        case "start":
          spawn(start);
          return;
        case "scan": {
          scanStop = new AbortController();
          const { signal: stop } = scanStop;
          spawn(() => scan(stop));
          return;
        }
        case "stop-scan":
          scanStop.abort();
          return;
        case "connect":
          spawn(() => connect(effect.sensor));
          return;
        case "wake": {
          wakeUp.abort();
          wakeUp = new AbortController();
          const { signal: until } = wakeUp;
          spawn(() => wake(effect.at - clock.elapsed(), until));
          return;
        }
        case "report":
          logger.warn("radio trouble", { kind: effect.kind, trouble: effect.message });
          sink.report("adapter-fault", effect.message, { kind: effect.kind });
          return;
        case "recovered":
          logger.info("radio ready again");
          return;
      }
    };

    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    post({ tag: "begin" });
    await stopped;
    scanStop.abort();
    wakeUp.abort();
    while (tasks.size > 0) await Promise.all(tasks);
  };

  return {
    run,
    status: () => ({
      state: radio.state,
      trouble: radio.trouble,
      sensors: ledger.sensors(),
      unknown: { heard: unknown.heard, reported: unknown.reported },
    }),
  };
};
