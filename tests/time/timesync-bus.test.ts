import { describe, expect, it } from "vitest";
import { type Dbus, type DbusAnswer, openDbus, refusal, variant } from "../../drivers/ble/bluez/dbus.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { askTimesyncBus } from "../../gateway/clock/timesync-bus.ts";
import { type DbusDaemon, startDbusDaemon } from "../radio/dbus-daemon.ts";
import { requirement, titled } from "../support/requirements.ts";

const clock = createSystemClock();
const dbus = requirement("dbus-daemon");

/** 20 ms each way, the server 5 ms ahead; root delay 10 ms, root dispersion 3 ms. */
const MESSAGE = [
  0,
  4,
  4,
  2,
  -24,
  10_000n,
  3000n,
  [192, 0, 2, 9],
  1_780_000_000_000_000n,
  1_780_000_000_025_000n,
  1_780_000_000_025_000n,
  1_780_000_000_040_000n,
  false,
  12n,
  400n,
];

const PROPERTIES: Readonly<Record<string, unknown>> = {
  NTPMessage: variant("(uuuuittayttttbtt)", MESSAGE),
  ServerAddress: variant("(iay)", [2, [192, 0, 2, 9]]),
};

/** A program that has timesyncd's name and answers for its properties. */
const startTimesyncd = async (bus: DbusDaemon, answer: (name: string) => Promise<DbusAnswer>): Promise<Dbus> => {
  const daemon = openDbus(bus.address, {
    signal: () => undefined,
    asked: ({ iface, member, body }) =>
      iface === "org.freedesktop.DBus.Properties" && member === "Get" ? answer(String(body[1])) : null,
    lost: () => undefined,
  });
  await daemon.ready;
  await daemon.call({
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    iface: "org.freedesktop.DBus",
    member: "RequestName",
    signature: "su",
    body: ["org.freedesktop.timesync1", 0],
  });
  return daemon;
};

describe.skipIf(!dbus.available)(titled("timesyncd's word on the bus", dbus), () => {
  it("is the server, its stratum, and the bound of the last exchange", async () => {
    await using bus = await startDbusDaemon();
    const daemon = await startTimesyncd(bus, async (name) => ({ signature: "v", body: [PROPERTIES[name]] }));
    expect(await askTimesyncBus(clock, bus.address)).toEqual({ reference: "192.0.2.9", stratum: 2, boundMs: 33 });
    daemon.close();
  });

  it.each<[string, () => Promise<DbusAnswer>]>([
    ["refuses", () => Promise.reject(refusal("org.freedesktop.DBus.Error.UnknownProperty", "no"))],
    ["answers with a text", async () => ({ signature: "v", body: [variant("s", "yes")] })],
    ["hangs", () => new Promise(() => undefined)],
  ])("is not to be had where the daemon %s", async (_, answer) => {
    await using bus = await startDbusDaemon();
    const daemon = await startTimesyncd(bus, answer);
    expect(await askTimesyncBus(clock, bus.address)).toBeNull();
    daemon.close();
  });

  it("is not to be had without the daemon, and without a bus", async () => {
    await using bus = await startDbusDaemon();
    expect(await askTimesyncBus(clock, bus.address)).toBeNull();
    await bus.stop();
    expect(await askTimesyncBus(clock, bus.address)).toBeNull();
    expect(await askTimesyncBus(clock, "nonsense")).toBeNull();
  });
});
