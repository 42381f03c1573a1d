import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import { millis, minutes } from "../../protocol/time.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { SensorParts } from "../sensors.ts";
import { takesConnection } from "./trial-probes.ts";
import { createTrialFile, type TrialRecord } from "./trial-record.ts";
import { selfTest } from "./trial-self-test.ts";
import { isTransportThere, openTransports } from "./trial-transports.ts";

const IMAGE = "a".repeat(64) as ImageHash;
const OTHER = "b".repeat(64) as ImageHash;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-trial-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("what the release before leaves for the one after", () => {
  const record: TrialRecord = {
    image: IMAGE,
    before: {
      isOnline: true,
      isEchoed: true,
      isDrained: false,
      transports: [
        { name: "radio", port: { tag: "path", path: "/sys/class/bluetooth/hci0" } },
        { name: "sensor scale", port: { tag: "usb", vendor: "0403", product: "6001", serialNumber: null } },
      ],
      broker: { host: "broker.example", port: 8883 },
    },
    judged: millis(61_000),
    excused: minutes(3),
  };
  const open = () => createTrialFile(createDiskFiles(), join(folder, "trial.json"));

  it("is read as it was written, for that release alone", async () => {
    const file = open();
    expect(await file.load(IMAGE)).toBeNull();
    await file.save(record);
    expect(await file.load(IMAGE)).toEqual(record);
    expect(await file.load(OTHER)).toBeNull();
  });

  it("may say more than this release understands", async () => {
    const more = { schema: "trial/1", ...record, before: { ...record.before, weather: "fine", transports: [{}, 1] } };
    await writeFile(join(folder, "trial.json"), JSON.stringify({ ...more, next: [] }));
    expect(await open().load(IMAGE)).toMatchObject({ judged: 61_000, before: { isOnline: true, transports: [] } });
  });

  it.each(["", "{", "null", '{"schema":"trial/1"}', '{"schema":"trial/2","image":"a"}', "\0\0\0\0"])(
    "says nothing where it is damaged: %j",
    async (text) => {
      await writeFile(join(folder, "trial.json"), text);
      expect(await open().load(IMAGE)).toBeNull();
      await writeFile(join(folder, "trial.json"), JSON.stringify({ schema: "trial/1", ...record, judged: -1 }));
      expect(await open().load(IMAGE)).toBeNull();
    },
  );
});

describe("what sensors are read through", () => {
  const config = {
    ble: { adapter: { type: "hci", device: 1 } },
    sensors: [
      { id: "cuff", transport: "ble" },
      { id: "scale", transport: "serial", port: { tag: "path", path: "/dev/ttyS1" } },
      { id: "meter", transport: "serial", port: { tag: "path", path: "/dev/ttyS2" } },
    ],
  } as unknown as HubConfig;
  const parts = (radio: string, states: Record<string, string>) =>
    ({
      radio: () => ({ adapter: "hci1", state: radio, trouble: null }),
      sensors: () => Object.entries(states).map(([id, state]) => ({ id, state })),
    }) as unknown as SensorParts;

  it("is the radio that is ready and each serial port that is open, whether anybody measures or not", () => {
    const states = { cuff: "connected", scale: "connected", meter: "absent" };
    expect(openTransports(config, parts("ready", states))).toEqual([
      { name: "radio", port: { tag: "path", path: "/sys/class/bluetooth/hci1" } },
      { name: "sensor scale", port: { tag: "path", path: "/dev/ttyS1" } },
    ]);
    expect(openTransports(config, parts("absent", { cuff: "waiting", scale: "waiting" }))).toEqual([]);
  });

  it("is there where the kernel has it, whatever opens it", async () => {
    const device = join(folder, "1-1.2");
    await mkdir(device);
    for (const [name, text] of [
      ["idVendor", "0403"],
      ["idProduct", "6001"],
      ["serial", "A1"],
    ] as const) {
      await writeFile(join(device, name), `${text}\n`);
    }
    await mkdir(join(folder, "usb1"));
    const usb = (vendor: string, serialNumber: string | null) => ({
      name: "sensor scale",
      port: { tag: "usb", vendor, product: "6001", serialNumber } as const,
    });
    expect(await isTransportThere(usb("0403", null), folder)).toBe(true);
    expect(await isTransportThere(usb("0403", "A1"), folder)).toBe(true);
    expect(await isTransportThere(usb("0403", "A2"), folder)).toBe(false);
    expect(await isTransportThere(usb("0404", null), folder)).toBe(false);
    expect(await isTransportThere(usb("0403", null), join(folder, "none"))).toBe(false);
    const path = (place: string) => ({ name: "radio", port: { tag: "path", path: place } as const });
    expect(await isTransportThere(path(device))).toBe(true);
    expect(await isTransportThere(path(join(folder, "gone")))).toBe(false);
    expect(await isTransportThere({ name: "radio", port: null })).toBe(true);
  });
});

describe("whether the broker's host takes a connection", () => {
  it("is asked without TLS, and is no where nobody listens or the patience is over", async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const never = new AbortController().signal;
    expect(await takesConnection("127.0.0.1", port, never)).toBe(true);
    expect(await takesConnection("127.0.0.1", port, AbortSignal.abort())).toBe(false);
    server.close();
    await once(server, "close");
    expect(await takesConnection("127.0.0.1", port, never)).toBe(false);
    expect(await takesConnection("name.invalid", port, never)).toBe(false);
  });
});

it("the self-test of this release finds nothing wrong", async () => {
  expect(await selfTest()).toBeNull();
});
