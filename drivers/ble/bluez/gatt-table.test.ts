import { expect, it } from "vitest";
import { byChannel, characteristicsBelow, tellsValues } from "./gatt-table.ts";
import type { ManagedObjects } from "./names.ts";

const DEVICE = "/org/bluez/hci0/dev_C0_26_DA_00_00_01";
const uuid = (short: string): string => `0000${short}-0000-1000-8000-00805f9b34fb`;
const service = (path: string, short: string): [string, Record<string, Record<string, unknown>>] => [
  path,
  { "org.bluez.GattService1": { UUID: uuid(short), Primary: true } },
];
const characteristic = (
  path: string,
  of: string,
  flags: readonly string[],
): [string, Record<string, Record<string, unknown>>] => [
  path,
  { "org.bluez.GattCharacteristic1": { UUID: uuid(of), Service: path.replace(/\/char.*/, ""), Flags: flags, MTU: 64 } },
];

const objects: ManagedObjects = new Map([
  characteristic(`${DEVICE}/service0020/char0021`, "2a35", ["indicate", "encrypt-read", "authorize"]),
  characteristic(`${DEVICE}/service0010/char0011`, "2a19", ["read", "notify"]),
  characteristic(`${DEVICE}/service0020/char0024`, "2a19", ["read"]),
  [`${DEVICE}/service0020/char0021/desc0023`, { "org.bluez.GattDescriptor1": { UUID: uuid("2902") } }],
  service(`${DEVICE}/service0020`, "1810"),
  service(`${DEVICE}/service0010`, "180f"),
  // Same beginning of the address, and a service that is not there.
  service("/org/bluez/hci0/dev_C0_26_DA_00_00_010/service0010", "180d"),
  characteristic("/org/bluez/hci0/dev_C0_26_DA_00_00_010/service0010/char0011", "2a37", ["notify"]),
  characteristic(`${DEVICE}/service0030/char0031`, "2a37", ["notify"]),
]);

it("lists the characteristics of one device in the order of their handles", () => {
  const all = characteristicsBelow(DEVICE, objects);
  expect(all.map(({ service: of, channel }) => `${of} ${channel}`)).toEqual(["180f 2a19", "1810 2a35", "1810 2a19"]);
  expect(all[1]).toMatchObject({ properties: new Set(["indicate"]), mtu: 64 });
  expect(all.map(tellsValues)).toEqual([true, true, false]);
});

it("takes the first of several with one UUID", () => {
  const table = byChannel(characteristicsBelow(DEVICE, objects));
  expect([...table.keys()]).toEqual(["2a19", "2a35"]);
  expect([...table.values()].map(({ path }) => path)).toEqual([
    `${DEVICE}/service0010/char0011`,
    `${DEVICE}/service0020/char0021`,
  ]);
});
