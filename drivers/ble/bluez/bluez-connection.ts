import { HubError, isHubError } from "../../../protocol/errors.ts";
import type { HubTime } from "../../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../../protocol/time.ts";
import { within } from "../within.ts";
import { isAuthenticationFailure, wordsOf } from "./bluez-error.ts";
import { failureOf } from "./dbus.ts";
import type { KnownDevice } from "./known-devices.ts";
import { bondLost, forgetBond, type Securing, secure } from "./securing.ts";
import { createValues, type Values } from "./values.ts";

/** About 60 attributes at 50 ms an answer, several times over for a weak link; later connections use BlueZ's cache. */
const DISCOVERY_DEADLINE: Millis = seconds(20);
/** To write the CCCDs of what was subscribed to. A sensor that does not answer has gone. */
const UNSUBSCRIBE_DEADLINE: Millis = seconds(2);
/** BlueZ waits 2 s for its own profiles, the supervision time-out takes up to 5 s. */
const DISCONNECT_DEADLINE: Millis = seconds(7);

export interface ConnectionOptions extends Securing {
  readonly time: HubTime;
  readonly connectDeadline: Millis;
  /** BlueZ does not end a connection that it was told to end. */
  unended(): void;
}

/** A connected device whose services BlueZ knows. */
export interface BluezConnection {
  readonly path: string;
  /** Identity address, which pairing may have changed. */
  readonly address: string;
  /** Aborts with `ble-disconnected`, or the reason given to `close`. */
  readonly lost: AbortSignal;
  readonly values: Values;
  /** Objects that the hub has subscribed to. */
  readonly subscribed: Set<string>;
  /** Nothing goes in or out from now on. Unsubscribes, then disconnects; resolves when that is done or given up. */
  close(reason: HubError): Promise<void>;
}

/** What BlueZ 5.83 and later tell of the end of a link. */
const ENDS: ReadonlyMap<string, string> = new Map([
  ["org.bluez.Reason.Timeout", "the sensor went out of range or switched off"],
  ["org.bluez.Reason.Local", "the hub hung up"],
  ["org.bluez.Reason.Remote", "the sensor hung up"],
  ["org.bluez.Reason.Authentication", "the keys of sensor and hub do not fit"],
  ["org.bluez.Reason.Suspend", "this machine went to sleep"],
]);
const KEYS_DO_NOT_FIT = "org.bluez.Reason.Authentication";

const never = new AbortController().signal;

/** Pair or check the bond, connect and wait for discovery. Rejects with a HubError; the device is then disconnected. */
export const connectDevice = async (
  device: KnownDevice,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<BluezConnection> => {
  const { bluez, clock, security } = options;
  const { path } = device;
  const lost = new AbortController();
  const gone = Promise.withResolvers<void>();
  const resolved = Promise.withResolvers<void>();
  const values = createValues(options.time);
  const subscribed = new Set<string>();
  let isSecuring = true;
  let hasHungUp = false;
  let endedWith = "";

  const now = (): KnownDevice | null => bluez.devices.at(path);
  const address = (): string => now()?.address ?? device.address;

  const drop = (reason: HubError): void => {
    if (lost.signal.aborted) return;
    lost.abort(reason);
    values.end();
  };

  const unlisten = bluez.listen(path, {
    changed: ({ servicesResolved }) => {
      if (servicesResolved) resolved.resolve();
    },
    hungUp: () => {
      hasHungUp = true;
      gone.resolve();
      // Many sensors hang up once they are paired; BlueZ then still has to say how the pairing went.
      if (isSecuring) return;
      const why = ENDS.get(endedWith) ?? "the link ended";
      drop(new HubError("ble-disconnected", `connection to ${address()}: ${why}; measure again near the hub`));
    },
    value: (of, bytes) => {
      if (lost.signal.aborted || values.put(of, bytes)) return;
      const found = "more than the hub can hold; the hub hangs up, check the disk";
      void close(new HubError("ble-disconnected", `values of ${address()}: ${found}`));
    },
    reason: (name) => {
      endedWith = name;
    },
    ended: (reason) => {
      drop(reason);
      gone.resolve();
    },
  });

  const unsubscribe = async (): Promise<void> => {
    const late = (): HubError =>
      new HubError("ble-timeout", "unsubscription: no answer; the hub hangs up all the same");
    if (subscribed.size === 0) return;
    const stopped = Promise.allSettled([...subscribed].map((of) => bluez.onCharacteristic(of, "StopNotify")));
    await within(stopped, UNSUBSCRIBE_DEADLINE, late, clock, never).catch(() => undefined);
  };

  /** Also takes back an attempt to connect that is under way. */
  const disconnect = async (): Promise<void> => {
    try {
      await bluez.onDevice(path, "Disconnect");
    } catch {
      // Not connected, or BlueZ is gone: so is the link.
      return;
    }
    if (now()?.connected === true) await gone.promise;
  };

  const hangUp = async (reason: HubError): Promise<void> => {
    const isLive = !lost.signal.aborted;
    drop(reason);
    const late = (): HubError =>
      new HubError("ble-timeout", `disconnection of ${address()}: not done; replug the adapter`);
    try {
      if (!isLive) return;
      // Before the link ends: a bonded sensor remembers what was subscribed to, and would send before the hub listens.
      await unsubscribe();
      await within(disconnect(), DISCONNECT_DEADLINE, late, clock, never);
    } catch {
      options.unended();
    } finally {
      unlisten();
    }
  };

  let hangingUp: Promise<void> | null = null;
  const close = (reason: HubError): Promise<void> => {
    hangingUp ??= hangUp(reason);
    return hangingUp;
  };

  const connect = async (until: AbortSignal): Promise<void> => {
    const limit = options.connectDeadline;
    const found = `no connection in ${limit / 1000} s; keep the sensor near the hub and measure again`;
    const late = (): HubError => new HubError("ble-timeout", `connection to ${address()}: ${found}`);
    try {
      await within(bluez.onDevice(path, "Connect"), limit, late, clock, until);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure === null) throw thrown;
      if (failure.name === "org.bluez.Error.AlreadyConnected") return;
      const words = `BlueZ answered ${wordsOf(thrown)}; measure again near the hub`;
      throw new HubError("ble-disconnected", `connection to ${address()}: ${words}`, { cause: thrown });
    }
  };

  const discovered = async (until: AbortSignal): Promise<void> => {
    if (now()?.servicesResolved === true) return;
    const found = `not done in ${DISCOVERY_DEADLINE / 1000} s; keep the sensor near the hub and measure again`;
    const late = (): HubError => new HubError("ble-timeout", `discovery of ${address()}: ${found}`);
    await within(resolved.promise, DISCOVERY_DEADLINE, late, clock, until);
  };

  /** Why a device that BlueZ has a bond with could not be connected to; called when it is disconnected. */
  const explained = async (thrown: unknown): Promise<unknown> => {
    const cause = thrown instanceof HubError ? thrown.cause : null;
    const isBondLost = endedWith === KEYS_DO_NOT_FIT || isAuthenticationFailure(cause);
    const person = security?.windowFor(address()) ?? null;
    // BlueZ before 5.83 does not say why a link ended. Somebody opened a window to pair this sensor: the old bond goes.
    const isRefused = hasHungUp && now() !== null && isHubError(thrown, "ble-disconnected");
    if (person !== null && (isBondLost || isRefused)) {
      await forgetBond(options, device).catch(() => undefined);
      const found = "the old bond did not work and is removed; let the sensor advertise again and it is paired anew";
      return new HubError("ble-not-bonded", `connection to ${address()}: ${found}`, { cause: thrown });
    }
    return isBondLost ? bondLost(options, address(), "the sensor has forgotten its bond with this hub") : thrown;
  };

  try {
    const either = AbortSignal.any([signal, lost.signal]);
    await secure(options, device, either);
    isSecuring = false;
    if (hasHungUp) {
      const found = "it is paired now and has hung up; measure again";
      throw new HubError("ble-disconnected", `connection to ${address()}: ${found}`);
    }
    await connect(either);
    await discovered(either);
  } catch (thrown) {
    await close(new HubError("ble-disconnected", `connection to ${address()}: closed by the hub`, { cause: thrown }));
    throw device.paired ? await explained(thrown) : thrown;
  }

  return {
    path,
    get address() {
      return address();
    },
    lost: lost.signal,
    values,
    subscribed,
    close,
  };
};
