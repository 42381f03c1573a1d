import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { type RadioAddress, sameAddress } from "./address.ts";
import {
  type CentralLink,
  type CentralSession,
  type ConnectionParameters,
  createAirLink,
  type PeripheralLink,
  type PeripheralSession,
} from "./air-link.ts";
import { type Chance, createChance } from "./seeded.ts";

/** An advertiser adds 0 to 10 ms to each interval, so that two do not collide for ever (Core Vol 6 Part B 4.4.2.2). */
const ADVERTISING_DELAY_MS = 10;
const DEFAULT_RSSI_DBM = -60;
const RSSI_SPREAD_DB = 4;

/** A device that wants to be heard. */
export interface Advertiser {
  readonly address: RadioAddress;
  readonly interval: Millis;
  readonly connectable: boolean;
  /** At most 31 octets each; null: not scannable. */
  readonly data: Uint8Array;
  readonly scanResponse: Uint8Array | null;
  /** Signal strength at the receiver, give or take 4 dB. Default -60. */
  readonly rssiDbm?: number;
  /** A central connects: called once per connection, after which the advertising has ended. */
  accept(link: PeripheralLink): PeripheralSession;
}

/** One packet that a scanning receiver hears. */
export interface Heard {
  readonly tag: "advertisement" | "scan-response";
  readonly from: RadioAddress;
  readonly connectable: boolean;
  readonly scannable: boolean;
  readonly data: Uint8Array;
  readonly rssiDbm: number;
}

export interface Receiver {
  readonly address: RadioAddress;
  heard(packet: Heard): void;
}

export type ScanMode = "off" | "passive" | "active";

/** A receiver's hold on the air. */
export interface Tuner {
  scan(mode: ScanMode): void;
  /** Connect to `target` at its next connectable advertisement. `connected` runs before the device may send. */
  initiate(
    target: RadioAddress,
    parameters: ConnectionParameters,
    connected: (link: CentralLink) => CentralSession,
  ): void;
  /** False where nothing was being initiated. */
  cancel(): boolean;
  leave(): void;
}

export interface AirOptions {
  readonly clock: Clock;
  readonly seed: number;
  /** Probability that a receiver misses an advertising event. Default 0. */
  readonly loss?: number;
}

/** The radio medium of one home. Costs nothing while nobody scans or initiates. */
export interface Air {
  readonly chance: Chance;
  readonly clock: Clock;
  /** Probability that a receiver misses an advertising event, from now on. */
  setLoss(probability: number): void;
  /**
   * Advertise until a central connects (resolves with the link, which `accept` has seen before) or the signal aborts
   * (rejects with its reason).
   */
  advertise(advertiser: Advertiser, signal: AbortSignal): Promise<PeripheralLink>;
  tune(receiver: Receiver): Tuner;
}

interface Station {
  readonly receiver: Receiver;
  mode: ScanMode;
  initiating: {
    readonly target: RadioAddress;
    readonly parameters: ConnectionParameters;
    connected(link: CentralLink): CentralSession;
  } | null;
}

const listens = (station: Station): boolean => station.mode !== "off" || station.initiating !== null;

export const createAir = (options: AirOptions): Air => {
  const { clock } = options;
  const chance = createChance(options.seed);
  const stations = new Set<Station>();
  const waiting = new Set<() => void>();
  const appearances = new Map<string, number>();
  let loss = options.loss ?? 0;

  const changed = (): void => {
    if (![...stations].some(listens)) return;
    for (const wake of waiting) wake();
    waiting.clear();
  };

  const someoneListens = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if ([...stations].some(listens)) return resolve();
      const stop = (): void => {
        waiting.delete(wake);
        reject(signal.reason);
      };
      const wake = (): void => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener("abort", stop, { once: true });
    });

  const strengthOf = (advertiser: Advertiser, dice: Chance): number =>
    (advertiser.rssiDbm ?? DEFAULT_RSSI_DBM) + dice.whole(-RSSI_SPREAD_DB, RSSI_SPREAD_DB);

  /** Tells a scanning station what this advertising event brings. */
  const report = (advertiser: Advertiser, station: Station, dice: Chance): void => {
    const { address: from, connectable, data, scanResponse } = advertiser;
    const packet = { from, connectable, scannable: scanResponse !== null, rssiDbm: strengthOf(advertiser, dice) };
    station.receiver.heard({ tag: "advertisement", data, ...packet });
    if (station.mode === "active" && scanResponse !== null) {
      station.receiver.heard({ tag: "scan-response", ...packet, data: scanResponse });
    }
  };

  const connect = (advertiser: Advertiser, station: Station, dice: Chance): PeripheralLink | null => {
    const wanted = station.initiating;
    if (wanted === null || !advertiser.connectable || !sameAddress(wanted.target, advertiser.address)) return null;
    station.initiating = null;
    const link = createAirLink({
      clock,
      central: station.receiver.address,
      peripheral: advertiser.address,
      parameters: wanted.parameters,
      rssi: () => strengthOf(advertiser, dice),
    });
    link.join(wanted.connected(link.central), (end) => advertiser.accept(end));
    return link.peripheral;
  };

  /** One advertising event: the link, where a central took the chance to connect. */
  const advertiseOnce = (advertiser: Advertiser, dice: Chance): PeripheralLink | null => {
    for (const station of [...stations].filter(listens)) {
      if (dice.happens(loss)) continue;
      const link = connect(advertiser, station, dice);
      if (link !== null) return link;
      if (station.mode !== "off") report(advertiser, station, dice);
    }
    return null;
  };

  return {
    chance,
    clock,
    setLoss: (probability) => {
      loss = probability;
    },
    advertise: async (advertiser, signal) => {
      const { address } = advertiser.address;
      const appearance = (appearances.get(address) ?? 0) + 1;
      appearances.set(address, appearance);
      const dice = chance.fork(`${address} ${appearance}`);
      let pause = dice.fraction() * advertiser.interval;
      for (;;) {
        await someoneListens(signal);
        await clock.sleep(millis(pause), signal);
        const link = advertiseOnce(advertiser, dice);
        if (link !== null) return link;
        pause = advertiser.interval + dice.whole(0, ADVERTISING_DELAY_MS);
      }
    },
    tune: (receiver) => {
      const station: Station = { receiver, mode: "off", initiating: null };
      stations.add(station);
      return {
        scan: (mode) => {
          station.mode = mode;
          changed();
        },
        initiate: (target, parameters, connected) => {
          station.initiating = { target, parameters, connected };
          changed();
        },
        cancel: () => {
          const pending = station.initiating !== null;
          station.initiating = null;
          return pending;
        },
        leave: () => {
          station.mode = "off";
          station.initiating = null;
          stations.delete(station);
        },
      };
    },
  };
};
