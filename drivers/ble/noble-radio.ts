import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Advertisement, BleRadio, RadioState } from "../../protocol/ports/radio.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import {
  adapterAbsent,
  adapterIdle,
  adapterUnusable,
  adapterWedged,
  type BleAdapter,
  nameOf,
  requireFree,
  stackAbsent,
} from "./adapter.ts";
import { createAdvertisementQueue } from "./advertisement-queue.ts";
import { createEther } from "./advertising.ts";
import { openBleLink } from "./ble-link.ts";
import { CANCEL_DEADLINE, type ConnectionAttempt, createConnectionAttempt } from "./connection-attempt.ts";
import { devicePathOf, untilUnplugged } from "./device-watch.ts";
import type { AdapterListener, HciAdapter } from "./hci-adapter.ts";
import type { LinkSecurity } from "./link-security.ts";
import { OFFERED_MTU, openNobleAdapter } from "./noble-adapter.ts";
import { loadNoble } from "./noble-binding.ts";
import { within } from "./within.ts";

/** A dongle that was just plugged in takes 1 to 3 s to its first answer. */
const START_DEADLINE = seconds(10);
/** A controller answers a command within 1 s or not at all; twice that for a loaded machine. */
const COMMAND_DEADLINE = seconds(2);
/** HCI error 0x0C: the controller is still busy with an attempt that was given up. */
const COMMAND_DISALLOWED = /\(0xc\)$/;
/** The longest attempt to connect (design drivers.md radio policy 3). */
export const CONNECT_DEADLINE = seconds(20);
/**
 * For a home with several sensors. Nobody is heard during an attempt, and a sensor that fell asleep takes all of it: of
 * a window of 10 s this leaves another sensor 4 s to be heard and connected to. A missed sensor is heard again.
 */
export const SHARED_CONNECT_DEADLINE = seconds(6);

export interface NobleRadioOptions {
  readonly adapter: BleAdapter;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  /** From the command to the connection, without discovery. Default CONNECT_DEADLINE. */
  readonly connectDeadline?: Millis;
  /** Bonding and encryption; without it links are used as they are. */
  readonly security?: LinkSecurity;
}

interface Scan {
  readonly started: PromiseWithResolvers<void>;
  readonly stopped: PromiseWithResolvers<void>;
  readonly queue: ReturnType<typeof createAdvertisementQueue>;
}

const never = new AbortController().signal;

/**
 * Bluetooth through noble's HCI binding, loaded at the first start. Each radio has a binding of its own. `start` on a
 * radio that is not ready makes a new binding; `scan` on a wedged one that is still open tries once more with the old
 * one, and the radio is ready again when that works. A link that is lost with its adapter ends like any other.
 */
export const createNobleRadio = (options: NobleRadioOptions): BleRadio => {
  const { adapter, clock, time, connectDeadline = CONNECT_DEADLINE } = options;
  const logger = options.logger.with({ adapter: nameOf(adapter) });
  const ether = createEther();
  const links = new Set<BleLink>();
  const idle = (word: string): string => adapterIdle(adapter, word);
  let state: RadioState = "off";
  let trouble: string | null = idle("not started");
  let hci: HciAdapter | null = null;
  let closing: Promise<void> = Promise.resolve();
  let watching = new AbortController();
  let scanning: Scan | null = null;
  let attempt: ConnectionAttempt<Promise<BleLink>> | null = null;

  const become = (next: RadioState, why: string | null): void => {
    if (next !== state) logger.debug("radio state", { state: next });
    state = next;
    trouble = why;
  };

  const wedge = (attempted: string, waitedMs: number): HubError => {
    const error = adapterWedged(adapter, attempted, waitedMs);
    become("wedged", error.message);
    return error;
  };

  const release = (): Promise<void> => {
    const open = hci;
    hci = null;
    watching.abort();
    if (open !== null) closing = open.close();
    return closing;
  };

  const lose = (error: HubError): void => {
    become("absent", error.message);
    void release();
    scanning?.queue.end(error);
    scanning?.started.reject(error);
    scanning?.stopped.resolve();
    attempt?.ended(error);
  };

  /** noble ends its words on what the controller answered with the code. */
  const attemptFailed = (cause: Error | null): HubError => {
    const found = cause?.message ?? "cancelled";
    if (!COMMAND_DISALLOWED.test(found)) {
      return new HubError("ble-disconnected", `connection: ${found}; measure again near the hub`, { cause });
    }
    const message = `Bluetooth adapter ${nameOf(adapter)}: it takes no command to connect; unplug it and plug it in again`;
    become("wedged", message);
    return new HubError("adapter-wedged", message, { cause });
  };

  const listenerFor = (up: PromiseWithResolvers<void>): AdapterListener => ({
    up: up.resolve,
    failed: (cause) => {
      const error = adapterAbsent(adapter, cause);
      up.reject(error);
      if (state !== "starting") lose(error);
    },
    scanStarted: () => scanning?.started.resolve(),
    scanStopped: () => scanning?.stopped.resolve(),
    heard: (report) => scanning?.queue.put(ether.hear(report, time.stamp())),
    connected: (connection) => attempt?.connected(connection),
    attemptEnded: (cause) => attempt?.ended(attemptFailed(cause)),
  });

  const watch = async (): Promise<void> => {
    watching = new AbortController();
    const unplugged = await untilUnplugged(devicePathOf(adapter), clock, watching.signal);
    if (unplugged) lose(adapterAbsent(adapter, new Error("the port was closed")));
  };

  const open = async (signal: AbortSignal): Promise<void> => {
    await release();
    const Noble = await loadNoble().catch((thrown: unknown) => {
      throw stackAbsent(adapter, thrown);
    });
    const up = Promise.withResolvers<void>();
    up.promise.catch(() => undefined);
    try {
      hci = openNobleAdapter(Noble, adapter, listenerFor(up));
    } catch (thrown) {
      throw adapterAbsent(adapter, thrown);
    }
    const late = (): HubError => adapterWedged(adapter, "HCI reset", START_DEADLINE);
    await within(up.promise, START_DEADLINE, late, clock, signal);
  };

  const start = async (signal: AbortSignal): Promise<void> => {
    if (state === "ready") return;
    if (state === "starting") throw new HubError("invalid-argument", "start of the radio: it is starting; wait for it");
    become("starting", idle("starting"));
    try {
      await open(signal);
      become("ready", null);
      void watch();
    } catch (thrown) {
      await release();
      if (isHubError(thrown, "adapter-absent")) become("absent", thrown.message);
      else if (isHubError(thrown, "adapter-wedged")) become("wedged", thrown.message);
      else become("off", idle("start was interrupted"));
      throw thrown;
    }
  };

  const unusable = (): HubError => adapterUnusable(adapter, state, trouble);

  const opened = (): HciAdapter => {
    if (hci !== null && state !== "starting") return hci;
    throw unusable();
  };

  const mustBeFree = (what: string): void => requireFree(what, scanning !== null, attempt !== null);

  const stopScan = async (on: HciAdapter, scan: Scan): Promise<void> => {
    try {
      if (hci !== on) return;
      on.stopScan();
      const late = (): HubError => wedge("the end of a scan", COMMAND_DEADLINE);
      await within(scan.stopped.promise, COMMAND_DEADLINE, late, clock, never);
    } catch {
      // The radio is wedged and says so; whoever uses it next is told.
    } finally {
      scanning = null;
    }
  };

  async function* scan(signal: AbortSignal): AsyncGenerator<Advertisement> {
    const on = opened();
    mustBeFree("scan");
    if (signal.aborted) return;
    const scan: Scan = {
      started: Promise.withResolvers(),
      stopped: Promise.withResolvers(),
      queue: createAdvertisementQueue(),
    };
    const end = (): void => scan.queue.end(null);
    scanning = scan;
    signal.addEventListener("abort", end, { once: true });
    try {
      on.startScan();
      const late = (): HubError => wedge("the start of a scan", COMMAND_DEADLINE);
      await within(scan.started.promise, COMMAND_DEADLINE, late, clock, never);
      become("ready", null);
      for (let heard = await scan.queue.next(); heard !== null; heard = await scan.queue.next()) yield heard;
    } finally {
      signal.removeEventListener("abort", end);
      await stopScan(on, scan);
    }
  }

  const makeConnection = async (to: Advertisement, signal: AbortSignal): Promise<BleLink> => {
    const on = opened();
    if (state !== "ready") throw unusable();
    const ours = createConnectionAttempt((connection) => {
      const opening = openBleLink(connection, linkOptions, signal);
      // Looked at below, unless the caller went away at the same moment.
      opening.catch(() => undefined);
      return opening;
    });
    attempt = ours;
    try {
      on.connect({ address: to.address, type: to.addressType });
      const found = `no connection in ${connectDeadline / 1000} s; keep the sensor near the hub and measure again`;
      const late = (): HubError => new HubError("ble-timeout", `connection to ${to.address}: ${found}`);
      const { made } = await within(ours.outcome, connectDeadline, late, clock, signal);
      return await made;
    } catch (thrown) {
      const left = await ours.cancel(() => on.cancelConnect(), clock);
      if (left === "unended") {
        on.dropAttempt();
        if (hci === on) wedge("the end of a connection attempt", CANCEL_DEADLINE);
      }
      // Where it failed in the making it has closed itself.
      if (left !== null && left !== "unended")
        await left.made.then((link) => link[Symbol.asyncDispose]()).catch(() => undefined);
      throw thrown;
    } finally {
      attempt = null;
    }
  };

  const linkOptions = {
    clock,
    time,
    offeredMtu: OFFERED_MTU,
    security: options.security ?? null,
    unended: (waitedMs: number) => {
      if (hci !== null) wedge("the end of a connection", waitedMs);
    },
  };

  const connect = async (advertisement: Advertisement, signal: AbortSignal): Promise<BleLink> => {
    mustBeFree(`connection to ${advertisement.address}`);
    signal.throwIfAborted();
    const link = await makeConnection(advertisement, signal);
    links.add(link);
    link.lost.addEventListener("abort", () => links.delete(link), { once: true });
    return link;
  };

  return {
    get state() {
      return state;
    },
    get trouble() {
      return trouble;
    },
    start,
    scan,
    connect,
    [Symbol.asyncDispose]: async () => {
      scanning?.queue.end(null);
      attempt?.ended(new HubError("ble-disconnected", idle("stopped")));
      await Promise.all([...links].map((link) => link[Symbol.asyncDispose]()));
      await release();
      become("off", idle("stopped"));
    },
  };
};
