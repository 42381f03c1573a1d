import { describe, expect, it } from "vitest";
import { createKnownDevices, DEVICES_LIMIT } from "./known-devices.ts";

const ADAPTER_PATH = "/org/bluez/hci0";
const pathOf = (number: number): string => `${ADAPTER_PATH}/dev_${number.toString(16).padStart(12, "0")}`;
const addressOf = (number: number): string =>
  number
    .toString(16)
    .padStart(12, "0")
    .replaceAll(/..(?=.)/g, "$&:");
const bloodPressure = "00001810-0000-1000-8000-00805f9b34fb";

describe("the devices of BlueZ", () => {
  it("are read with their services, also those that stand in service data only", () => {
    const devices = createKnownDevices(ADAPTER_PATH);
    devices.put(pathOf(1), {
      Address: "C0:26:DA:00:00:01",
      AddressType: "public",
      UUIDs: [bloodPressure],
      ServiceData: {
        "0000180f-0000-1000-8000-00805f9b34fb": Uint8Array.of(1),
        "6e400001-b5a3-f393-e0a9-e50e24dcca9e": Uint8Array.of(),
      },
      RSSI: -60,
      Paired: true,
    });
    expect(devices.at(pathOf(1))).toEqual({
      path: pathOf(1),
      address: "c0:26:da:00:00:01",
      addressType: "public",
      services: ["1810", "180f", "6e400001b5a3f393e0a9e50e24dcca9e"],
      rssi: -60,
      paired: true,
      trusted: false,
      connected: false,
      servicesResolved: false,
    });
  });

  it("change, and lose their signal strength with the scan", () => {
    const devices = createKnownDevices(ADAPTER_PATH);
    devices.put(pathOf(1), { Address: "C0:26:DA:00:00:01", RSSI: -60, UUIDs: [bloodPressure] });
    const now = devices.change(pathOf(1), { Connected: true }, ["RSSI"]);
    expect(now).toMatchObject({ connected: true, rssi: null, services: ["1810"] });
    expect(devices.at(pathOf(1))).toBe(now);
    expect(devices.change(pathOf(2), { Connected: true }, [])).toBeNull();
  });

  it("are connected where their services are known, though BlueZ does not say so", () => {
    const devices = createKnownDevices(ADAPTER_PATH);
    devices.put(pathOf(1), { Address: "C0:26:DA:00:00:01" });
    expect(devices.change(pathOf(1), { ServicesResolved: true }, [])?.connected).toBe(true);
    expect(devices.change(pathOf(1), { ServicesResolved: false }, [])?.connected).toBe(true);
    expect(devices.change(pathOf(1), { Connected: false }, [])?.connected).toBe(false);
  });

  it("are found by identity address, which is not that of their path: the paired one first", () => {
    const devices = createKnownDevices(ADAPTER_PATH);
    devices.put(pathOf(1), { Address: "C0:26:DA:00:00:01", Paired: true });
    devices.put(pathOf(2), { Address: "C0:26:DA:00:00:01" });
    devices.put(pathOf(3), { Address: "C0:26:DA:00:00:03" });
    devices.put(pathOf(4), { Address: "C0:26:DA:00:00:03" });
    devices.change(pathOf(3), { RSSI: -60 }, []);
    expect(devices.of("c0:26:da:00:00:01")?.path).toBe(pathOf(1));
    expect(devices.of("c0:26:da:00:00:03")?.path).toBe(pathOf(3));
    expect(devices.of("c0:26:da:00:00:04")).toBeNull();
  });

  it("belong to one adapter", () => {
    const devices = createKnownDevices(ADAPTER_PATH);
    const properties = { Address: "C0:26:DA:00:00:01" };
    devices.load(
      new Map([
        ["/org/bluez/hci1/dev_C0_26_DA_00_00_01", { "org.bluez.Device1": properties }],
        [ADAPTER_PATH, { "org.bluez.Adapter1": properties }],
      ]),
    );
    expect(devices.all()).toEqual([]);
  });

  it("are bounded: the stranger that was silent for longest goes, a paired one stays", () => {
    const devices = createKnownDevices(ADAPTER_PATH);
    devices.put(pathOf(0), { Address: addressOf(0), Paired: true });
    devices.put(pathOf(1), { Address: addressOf(1), RSSI: -60 });
    devices.put(pathOf(2), { Address: addressOf(2), RSSI: -60 });
    for (let i = 3; i < DEVICES_LIMIT; i++) devices.put(pathOf(i), { Address: addressOf(i) });
    devices.change(pathOf(1), { RSSI: -61 }, []);
    for (let i = 0; i < 100; i++) devices.put(pathOf(DEVICES_LIMIT + i), { Address: addressOf(DEVICES_LIMIT + i) });
    expect(devices.all()).toHaveLength(DEVICES_LIMIT);
    expect(devices.at(pathOf(0))).not.toBeNull();
    expect(devices.at(pathOf(1))).not.toBeNull();
    expect(devices.at(pathOf(2))).toBeNull();
  });
});
