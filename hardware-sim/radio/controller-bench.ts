import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import { createSimulatedClock, type SimulatedClock } from "../clock/simulated-clock.ts";
import { radioAddress } from "./address.ts";
import { type Advertiser, createAir } from "./air.ts";
import type { KeyRequest, PeripheralLink } from "./air-link.ts";
import { createMemoryLine } from "./memory-line.ts";
import { createVirtualController, type VirtualControllerOptions } from "./virtual-controller.ts";

const OWN = radioAddress("00:00:5e:00:53:01");
export const CUFF = radioAddress("00:00:5e:00:53:10");
export const CUFF_ON_AIR = "1053005e0000";

/** Unmasks all that a host needs, as hosts do after a reset. */
export const UNMASK = ["01010c08ffffffffffffff3f", "010120085f00000000000000"];

export interface ControllerBench {
  readonly clock: SimulatedClock;
  /** Sends command packets (or any H4 bytes) and gives the answers as hex packets. */
  say(...packets: readonly string[]): Promise<readonly string[]>;
  /** Lets time pass and gives what the controller said meanwhile. */
  pass(ms: number): Promise<readonly string[]>;
  advertise(changes?: Partial<Advertiser>): BenchDevice;
  readonly controller: ReturnType<typeof createVirtualController>;
}

export interface BenchDevice {
  link(): PeripheralLink;
  readonly received: string[];
  readonly closed: number[];
  key: Uint8Array | null;
  readonly asked: KeyRequest[];
  encrypted: number;
}

export const packetsOf = (bytes: Uint8Array): readonly string[] => {
  const packets: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length =
      bytes[at] === 0x04 ? 3 + (bytes[at + 2] ?? 0) : 5 + (bytes[at + 3] ?? 0) + 256 * (bytes[at + 4] ?? 0);
    packets.push(toHex(bytes.subarray(at, at + length)));
    at += length;
  }
  return packets;
};

/** A controller on an air under a simulated clock, after a reset and with all events unmasked. For tests. */
export const controllerBench = async (options: Partial<VirtualControllerOptions> = {}): Promise<ControllerBench> => {
  const clock = createSimulatedClock();
  const air = createAir({ clock, seed: 7 });
  const line = createMemoryLine();
  const controller = createVirtualController({ line: line.device, air, address: OWN, ...options });
  const pass = async (ms: number): Promise<readonly string[]> => {
    await clock.advance(millis(ms));
    return packetsOf(line.take());
  };
  const say = (...packets: readonly string[]): Promise<readonly string[]> => {
    for (const packet of packets) line.send(fromHex(packet));
    return pass(0);
  };
  const advertise = (changes: Partial<Advertiser> = {}): BenchDevice => {
    let link: PeripheralLink | null = null;
    const device: BenchDevice = {
      link: () => {
        if (link === null) throw new Error("not connected");
        return link;
      },
      received: [],
      closed: [],
      key: null,
      asked: [],
      encrypted: 0,
    };
    const advertiser: Advertiser = {
      address: CUFF,
      interval: millis(30),
      connectable: true,
      data: fromHex("02010603031018"),
      scanResponse: fromHex("03094250"),
      accept: (end) => {
        link = end;
        return {
          receive: (channel, payload) => device.received.push(`${channel}:${toHex(payload)}`),
          keyFor: (request) => {
            device.asked.push(request);
            return device.key;
          },
          encrypted: () => {
            device.encrypted += 1;
          },
          closed: (reason) => device.closed.push(reason),
        };
      },
      ...changes,
    };
    air.advertise(advertiser, new AbortController().signal).catch(() => undefined);
    return device;
  };
  await say("01030c00", ...UNMASK);
  return { clock, say, pass, advertise, controller };
};

/** LE Create Connection to the cuff: interval 24 to 40, latency 0, timeout 500. */
export const CREATE = `010d2019600030000000${CUFF_ON_AIR}00180028000000f40104000600`;
export const CONNECTED = `043e13010040000000${CUFF_ON_AIR}28000000f40105`;

export const connected = async (
  options: Partial<VirtualControllerOptions> = {},
): Promise<ControllerBench & { device: BenchDevice }> => {
  const on = await controllerBench(options);
  const device = on.advertise();
  await on.say(CREATE);
  const said = await on.pass(60);
  if (said.join() !== CONNECTED) throw new Error(`connecting to the device led to ${said.join()}`);
  return { ...on, device };
};
