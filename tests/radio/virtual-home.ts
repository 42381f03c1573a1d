import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceDefinition } from "../../hardware-sim/gatt/attribute-table.ts";
import type { GattConnection, GattFaults } from "../../hardware-sim/gatt/gatt-connection.ts";
import { createGattServer } from "../../hardware-sim/gatt/gatt-server.ts";
import { acceptLink } from "../../hardware-sim/gatt/peripheral.ts";
import { openPty, type Pty } from "../../hardware-sim/pty/pty.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { advertisingData } from "../../hardware-sim/radio/advertising-data.ts";
import { type Air, createAir } from "../../hardware-sim/radio/air.ts";
import type { PeripheralLink, PeripheralSession } from "../../hardware-sim/radio/air-link.ts";
import { createVirtualController, type VirtualController } from "../../hardware-sim/radio/virtual-controller.ts";
import { fromHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import { clock } from "./hub-side.ts";

/** How often the test's sensors advertise: as fast as the specification lets them. */
const INTERVAL = millis(20);

/** A controller on a serial line, with an air of its own. */
export interface VirtualAdapter extends AsyncDisposable {
  /** A name of its own: that of a terminal is given to the next one as soon as it is closed. */
  readonly path: string;
  readonly line: Pty;
  readonly air: Air;
  readonly controller: VirtualController;
  unplug(): Promise<void>;
}

export const startAdapter = async (
  options: { readonly extended?: boolean; readonly clock?: Clock } = {},
): Promise<VirtualAdapter> => {
  const line = await openPty();
  const air = createAir({ clock: options.clock ?? clock, seed: 4711 });
  const extended = options.extended ?? false;
  const controller = createVirtualController({ line, air, address: radioAddress("00:1b:dc:07:32:10"), extended });
  const folder = await mkdtemp(join(tmpdir(), "hemhub-radio-"));
  const path = join(folder, "adapter");
  await symlink(line.path, path);
  const unplug = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await line.close();
  };
  return {
    path,
    line,
    air,
    controller,
    unplug,
    [Symbol.asyncDispose]: async () => {
      await controller.close();
      await unplug();
      await controller.ended;
    },
  };
};

const cuffServices = (written: Uint8Array[]): readonly ServiceDefinition[] => [
  {
    uuid: "1810",
    characteristics: [
      { uuid: "2a35", properties: ["indicate"] },
      { uuid: "2a49", properties: ["read"], read: () => fromHex("1f00") },
      {
        uuid: "2a08",
        properties: ["read", "write"],
        read: () => fromHex("ea07060f0c0000"),
        write: (value) => {
          written.push(value);
          return null;
        },
      },
    ],
  },
  { uuid: "180f", characteristics: [{ uuid: "2a19", properties: ["read"], read: () => fromHex("57") }] },
];

/** A cuff that advertises whenever it is not connected, and does what the test tells it. */
export interface TestCuff extends AsyncDisposable {
  readonly address: string;
  /** The present connection, or null. */
  readonly link: PeripheralLink | null;
  readonly gatt: GattConnection | null;
  readonly written: readonly Uint8Array[];
  /** L2CAP payloads that the hub sent, channel first. */
  readonly received: readonly { readonly channel: number; readonly hex: string }[];
  /** How many times its key was asked for. */
  readonly keysAsked: number;
  /** HCI reasons with which connections ended. */
  readonly ends: readonly number[];
}

export interface TestCuffOptions {
  readonly faults?: GattFaults;
  /** Its long-term key, for any hub. */
  readonly key?: Uint8Array;
  /** Right after the connection, before the hub can have asked for anything. */
  greet?(link: PeripheralLink): void;
  /** The hub subscribed to the measurement. */
  subscribed?(gatt: GattConnection): void;
}

/** Value handle of 2a35: service 1, declaration 2, value 3. */
export const MEASUREMENT_HANDLE = "0300";

export const startCuff = (air: Air, text: string, options: TestCuffOptions = {}): TestCuff => {
  const address = radioAddress(text);
  const stop = new AbortController();
  const written: Uint8Array[] = [];
  const received: { readonly channel: number; readonly hex: string }[] = [];
  const ends: number[] = [];
  const server = createGattServer(cuffServices(written));
  let keysAsked = 0;
  let link: PeripheralLink | null = null;
  let gatt: GattConnection | null = null;

  const accept = (made: PeripheralLink): PeripheralSession => {
    const session = acceptLink(made, {
      gatt: server,
      clock,
      own: address,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      subscribed: () => gatt !== null && options.subscribed?.(gatt),
      connected: (connection) => {
        link = made;
        gatt = connection.gatt;
        options.greet?.(made);
      },
    });
    return {
      ...session,
      keyFor: () => {
        keysAsked += 1;
        return options.key ?? null;
      },
      receive: (channel, payload) => {
        received.push({ channel, hex: Buffer.from(payload).toString("hex") });
        session.receive(channel, payload);
      },
      closed: (reason) => {
        link = null;
        gatt = null;
        ends.push(reason);
        session.closed(reason);
        again.resolve();
      },
    };
  };

  let again = Promise.withResolvers<void>();
  const live = async (): Promise<void> => {
    const data = advertisingData({ services: ["1810"] });
    while (!stop.signal.aborted) {
      again = Promise.withResolvers();
      await air.advertise(
        { address, interval: INTERVAL, connectable: true, data, scanResponse: null, accept },
        stop.signal,
      );
      await again.promise;
    }
  };
  const living = live().catch((thrown: unknown) => {
    if (!stop.signal.aborted) throw thrown;
  });

  return {
    address: address.address,
    get link() {
      return link;
    },
    get gatt() {
      return gatt;
    },
    written,
    received,
    ends,
    get keysAsked() {
      return keysAsked;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      link?.disconnect();
      again.resolve();
      await living;
    },
  };
};
