import type { SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBleLink, type MemoryBleLink } from "../../hardware-sim/ports/memory-ble-link.ts";
import { HubError } from "../../protocol/errors.ts";
import type { Advertisement, BleRadio, RadioState } from "../../protocol/ports/radio.ts";
import { millis } from "../../protocol/time.ts";

/** A device near the simulated radio. */
export interface Device {
  readonly address: string;
  readonly services: readonly string[];
  /** Advertises from, until, and how often. */
  from: number;
  until: number;
  readonly every: number;
  /** Answers a connection after this long; never, where it refuses. */
  readonly answersIn: number | "refuses";
}

const advertises = (device: Device, now: number): boolean => now >= device.from && now < device.until;

/**
 * A radio in simulated time: hears who advertises while it scans, connects to who advertises, does one thing at a time
 * and says so where it is asked for more.
 */
export const createSimulatedRadio = (clock: SimulatedClock, devices: Device[]) => {
  let state: RadioState = "off";
  let fault: HubError | null = new HubError("adapter-absent", "adapter: not started; start it");
  let lose: ((error: HubError) => void) | null = null;
  let busy: "scan" | "connect" | null = null;
  const calls: string[] = [];
  const links: MemoryBleLink[] = [];
  const broken: { start: HubError | null; scan: HubError | null; connect: HubError | null } = {
    start: null,
    scan: null,
    connect: null,
  };

  const take = (what: "scan" | "connect"): void => {
    if (busy !== null) throw new Error(`${what} while ${busy}: the policy let two things happen at once`);
    if (state !== "ready" && broken.scan === null) throw fault ?? new Error("unusable");
    busy = what;
  };
  const describeAs = (device: Device): Advertisement => ({
    address: device.address,
    addressType: "public",
    connectable: true,
    services: device.services,
    rssi: -60,
    at: clock.stamp(),
  });

  async function* scan(signal: AbortSignal): AsyncGenerator<Advertisement> {
    calls.push("scan");
    if (broken.scan !== null) throw broken.scan;
    take("scan");
    const gone = new AbortController();
    lose = (error) => gone.abort(error);
    const stop = AbortSignal.any([signal, gone.signal]);
    try {
      for (;;) {
        // 10 ms of the simulated air at a time; where nobody is, a second.
        await clock.sleep(millis(devices.length === 0 ? 1000 : 10), stop).catch(() => undefined);
        if (gone.signal.aborted) throw gone.signal.reason;
        if (signal.aborted) return;
        const now = clock.elapsed();
        for (const one of devices) {
          if (advertises(one, now) && Math.floor(now / one.every) !== Math.floor((now - 10) / one.every))
            yield describeAs(one);
          if (signal.aborted) return;
        }
      }
    } finally {
      busy = null;
      lose = null;
    }
  }

  const connect = async (to: Advertisement, signal: AbortSignal): Promise<MemoryBleLink> => {
    calls.push(`connect ${to.address}`);
    take("connect");
    try {
      if (broken.connect !== null) throw broken.connect;
      const device = devices.find(({ address }) => address === to.address);
      if (device === undefined) throw new Error("connect to nobody");
      const deadline = clock.elapsed() + 6000;
      while (!advertises(device, clock.elapsed()) || device.answersIn === "refuses") {
        await clock.sleep(millis(100), signal);
        if (clock.elapsed() >= deadline)
          throw new HubError("ble-timeout", `connection to ${to.address}: none; try again`);
      }
      await clock.sleep(millis(device.answersIn), signal);
      const link = createMemoryBleLink({ address: to.address, characteristics: [], clock });
      links.push(link);
      return link;
    } finally {
      busy = null;
    }
  };

  const radio: BleRadio = {
    get state() {
      return state;
    },
    get trouble() {
      return fault?.message ?? null;
    },
    start: async () => {
      calls.push("start");
      await Promise.resolve();
      if (broken.start !== null) {
        fault = broken.start;
        state = "absent";
        throw broken.start;
      }
      state = "ready";
      fault = null;
    },
    scan,
    connect,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return {
    radio,
    calls,
    links,
    broken,
    unplug: () => {
      const error = new HubError("adapter-absent", "adapter: the port was closed; plug it in again");
      broken.start = error;
      state = "absent";
      fault = error;
      for (const link of links) link.drop();
      lose?.(error);
    },
    plugIn: () => {
      broken.start = null;
    },
  };
};

/** A device that advertises always and answers. */
export const device = (address: string, change: Partial<Device> = {}): Device => ({
  address,
  services: ["1810"],
  from: 0,
  until: Number.POSITIVE_INFINITY,
  every: 200,
  answersIn: 300,
  ...change,
});
