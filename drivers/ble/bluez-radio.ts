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
  type BluezAdapter,
  nameOf,
  requireFree,
} from "./adapter.ts";
import { createAdvertisementQueue } from "./advertisement-queue.ts";
import { createPairingAgent } from "./bluez/agent.ts";
import { type Bluez, createBluez, named } from "./bluez/bluez.ts";
import { openBluezLink } from "./bluez/bluez-link.ts";
import { failureOf, variant } from "./bluez/dbus.ts";
import type { KnownDevice } from "./bluez/known-devices.ts";
import { type BluezSecurity, closeToPairing, forgetBond } from "./bluez/securing.ts";
import { within } from "./within.ts";

/** The bus may have to start BlueZ, and BlueZ to switch the adapter on. */
const START_DEADLINE: Millis = seconds(10);
/** BlueZ answers when the controller has; that takes 1 s or does not happen. For a loaded machine, five times that. */
const COMMAND_DEADLINE: Millis = seconds(5);
/** The longest attempt to connect (design drivers.md radio policy 3). */
const CONNECT_DEADLINE: Millis = seconds(20);
/** Sensors of one home, many times over. */
const PAIRED_LIMIT = 256;

export interface BluezRadioOptions {
  readonly adapter: BluezAdapter;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  /** From the command to the connection, without pairing and discovery. Default CONNECT_DEADLINE. */
  readonly connectDeadline?: Millis;
  /** Who is bonded and who may be paired; without it nobody is paired, and links are used as BlueZ has them. */
  readonly security?: BluezSecurity;
  /** Where BlueZ's bus is, `unix:path=...`. Default: the system bus. */
  readonly busAddress?: string;
}

const never = new AbortController().signal;

/** The radio, and what is known of the bonds, which BlueZ keeps. */
export interface BluezRadio extends BleRadio {
  /** Whether BlueZ has a bond with the sensor; null where it does not run or has not heard of the sensor. */
  isBonded(address: string): boolean | null;
  /** Remove the bond. The sensor has to be heard again before it can be paired. Rejects with HubError. */
  forget(address: string): Promise<void>;
}

/**
 * Bluetooth through BlueZ's D-Bus API, on an adapter that bluetoothd owns. The same port as the radio over noble's HCI
 * binding, with what BlueZ does differently: it keeps the keys and encrypts by itself; it confirms indications by
 * itself (see openBluezLink); it does not say whether an advertiser is connectable, so all count as connectable; and
 * within one of its scans, of about 10 s, the controller may report an advertiser once.
 *
 * `start` meets BlueZ, switches the adapter on, registers an agent that rejects every pairing outside the hub's
 * windows, and hangs up on enrolled sensors that an earlier life of the hub left connected.
 */
export const createBluezRadio = (options: BluezRadioOptions): BluezRadio => {
  const { adapter, clock, time, security = null, connectDeadline = CONNECT_DEADLINE } = options;
  const logger = options.logger.with({ adapter: nameOf(adapter) });
  const idle = (word: string): string => adapterIdle(adapter, word);
  const agent = createPairingAgent();
  const links = new Set<BleLink>();
  const paired = new Set<string>();
  let state: RadioState = "off";
  let trouble: string | null = idle("not started");
  let bluez: Bluez | null = null;
  let isConnecting = false;
  let lostAtStart: HubError | null = null;
  let scanning: ReturnType<typeof createAdvertisementQueue> | null = null;

  const become = (next: RadioState, why: string | null): void => {
    if (next !== state) logger.debug("radio state", { state: next });
    state = next;
    trouble = why;
  };

  const wedge = (attempted: string): HubError => {
    const error = adapterWedged(adapter, attempted, COMMAND_DEADLINE);
    become("wedged", error.message);
    return error;
  };

  const remember = ({ address, paired: isPaired }: KnownDevice): void => {
    if (!isPaired) return;
    paired.delete(address);
    paired.add(address);
    const [oldest] = paired;
    if (paired.size > PAIRED_LIMIT && oldest !== undefined) paired.delete(oldest);
  };

  const release = (): void => {
    bluez?.close();
    bluez = null;
  };

  const meet = (): Bluez => {
    release();
    const met: Bluez = createBluez(adapter, options.busAddress ?? null, {
      heard: (device) => {
        remember(device);
        const { address, addressType, services, rssi } = device;
        scanning?.put({ address, addressType, connectable: true, services, rssi: rssi ?? 0, at: time.stamp() });
      },
      lost: (next, error) => {
        if (bluez !== met) return;
        bluez = null;
        if (state === "starting") lostAtStart = error;
        else become(next, error.message);
        scanning?.end(error);
      },
      asked: (member, body) => agent.asked(member, body),
    });
    bluez = met;
    return met;
  };

  const open = async (on: Bluez, wasWedged: boolean): Promise<void> => {
    await on.begin();
    // The reset that a wedged adapter can be given from here.
    if (wasWedged && on.powered === true) await on.setPowered(false);
    if (on.powered !== true) await on.setPowered(true);
    await closeToPairing(on);
    for (const device of on.devices.all()) {
      remember(device);
      const isOurs = device.connected && (security?.securityOf(device.address) ?? null) !== null;
      if (isOurs) await on.onDevice(device.path, "Disconnect").catch(() => undefined);
    }
  };

  const start = async (signal: AbortSignal): Promise<void> => {
    if (state === "ready") return;
    if (state === "starting") throw new HubError("invalid-argument", "start of the radio: it is starting; wait for it");
    const wasWedged = state === "wedged";
    become("starting", idle("starting"));
    lostAtStart = null;
    const on = meet();
    const late = (): HubError => adapterWedged(adapter, "the start", START_DEADLINE);
    try {
      await within(open(on, wasWedged), START_DEADLINE, late, clock, signal);
      become("ready", null);
    } catch (thrown) {
      release();
      if (signal.aborted) {
        become("off", idle("start was interrupted"));
        throw signal.reason;
      }
      const error = lostAtStart ?? (isHubError(thrown) ? thrown : adapterAbsent(adapter, named(thrown)));
      const isOff = on.powered === false ? "off" : "absent";
      become(isHubError(error, "adapter-wedged") ? "wedged" : isOff, error.message);
      throw error;
    }
  };

  const unusable = (): HubError => adapterUnusable(adapter, state, trouble);

  const opened = (): Bluez => {
    if (bluez !== null && state !== "starting") return bluez;
    throw unusable();
  };

  const mustBeFree = (what: string): void => requireFree(what, scanning !== null, isConnecting);

  const begin = async (on: Bluez): Promise<void> => {
    const attempted = "the start of a scan";
    const command = async (): Promise<void> => {
      // With a filter BlueZ reports every advertisement, and begins its next scan without a pause of 5 s.
      await on.onAdapter("SetDiscoveryFilter", "a{sv}", [{ Transport: variant("s", "le") }]);
      await on.onAdapter("StartDiscovery");
    };
    try {
      await within(command(), COMMAND_DEADLINE, () => wedge(attempted), clock, never);
    } catch (thrown) {
      if (bluez !== on) throw unusable();
      if (failureOf(thrown) === null) throw thrown;
      const error = adapterAbsent(adapter, named(thrown));
      become("wedged", error.message);
      throw new HubError("adapter-wedged", error.message, { cause: thrown });
    }
  };

  const end = async (on: Bluez): Promise<void> => {
    if (bluez !== on) return;
    // What BlueZ answers with an error was not running.
    const stopped = on.onAdapter("StopDiscovery").catch(() => undefined);
    await within(stopped, COMMAND_DEADLINE, () => wedge("the end of a scan"), clock, never).catch(() => undefined);
  };

  async function* scan(signal: AbortSignal): AsyncGenerator<Advertisement> {
    const on = opened();
    mustBeFree("scan");
    if (signal.aborted) return;
    const queue = createAdvertisementQueue();
    const stop = (): void => queue.end(null);
    scanning = queue;
    signal.addEventListener("abort", stop, { once: true });
    try {
      await begin(on);
      become("ready", null);
      for (let heard = await queue.next(); heard !== null; heard = await queue.next()) yield heard;
    } finally {
      signal.removeEventListener("abort", stop);
      await end(on);
      scanning = null;
    }
  }

  const connect = async (advertisement: Advertisement, signal: AbortSignal): Promise<BleLink> => {
    const attempted = `connection to ${advertisement.address}`;
    mustBeFree(attempted);
    signal.throwIfAborted();
    const on = opened();
    if (state !== "ready") throw unusable();
    const device = on.devices.of(advertisement.address);
    if (device === null) {
      throw new HubError("ble-disconnected", `${attempted}: BlueZ does not know the sensor any more; measure again`);
    }
    isConnecting = true;
    try {
      const unended = (): void => void (bluez === on && wedge("the end of a connection"));
      const wasPaired = (address: string): boolean => paired.has(address);
      const securing = { bluez: on, agent, clock, security, wasPaired };
      const link = await openBluezLink(device, { ...securing, time, connectDeadline, unended }, signal);
      links.add(link);
      link.lost.addEventListener("abort", () => links.delete(link), { once: true });
      if (on.devices.at(device.path)?.paired === true) security?.onBonded(link.address);
      return link;
    } finally {
      isConnecting = false;
    }
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
    isBonded: (address) => bluez?.devices.of(address)?.paired ?? null,
    forget: async (address) => {
      const on = opened();
      const device = on.devices.of(address);
      if (device?.paired !== true) return;
      paired.delete(address);
      await forgetBond({ bluez: on, clock }, device);
    },
    [Symbol.asyncDispose]: async () => {
      scanning?.end(null);
      await Promise.all([...links].map((link) => link[Symbol.asyncDispose]()));
      release();
      become("off", idle("stopped"));
    },
  };
};
