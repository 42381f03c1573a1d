import { describe, expect, it } from "vitest";
import { adapterAbsent, adapterWedged, type BleAdapter, stackAbsent } from "./adapter.ts";

const uart: BleAdapter = { type: "uart", path: "/dev/ttyUSB0", baudRate: 115_200 };
const hci: BleAdapter = { type: "hci", device: 1 };

describe("trouble with the adapter is one sentence with the next step:", () => {
  it.each([
    [uart, "Error: No such file or directory, cannot open /dev/ttyUSB0", "plug the adapter in, or correct `path`"],
    [uart, "Error: Permission denied, cannot open /dev/ttyUSB0", "add the hub's user to the port's group (dialout)"],
    [uart, "Error Resource temporarily unavailable Cannot lock port", "another program has the port open"],
    [uart, "the port was closed", "plug the adapter in again"],
    [uart, "something else", "something else; check the adapter"],
    [hci, "No such device", "correct `device`"],
    [hci, "Operation not permitted", "CAP_NET_ADMIN"],
    [hci, "Device or resource busy", "bluetoothd"],
    [hci, "Address family not supported by protocol", "load the module `bluetooth`"],
    [hci, "Network is down", "plug it in again"],
    [hci, "Operation not possible due to RF-kill", "rfkill unblock bluetooth"],
  ])("%j %s", (adapter, found, next) => {
    const error = adapterAbsent(adapter, new Error(found));
    expect(error.code).toBe("adapter-absent");
    expect(error.message).toContain(next);
    expect(error.message).toContain(adapter.type === "uart" ? "/dev/ttyUSB0" : "hci1");
    expect(error.message).not.toContain("\n");
  });

  it("names what was not answered, and for how long", () => {
    expect(adapterWedged(uart, "HCI reset", 10_000)).toMatchObject({
      code: "adapter-wedged",
      message: expect.stringContaining("/dev/ttyUSB0: no answer to HCI reset in 10 s; check `baudRate`"),
    });
    expect(adapterWedged(hci, "HCI reset", 10_000).message).toContain("replug it");
  });

  it("says that the stack does not load", () => {
    expect(stackAbsent(hci, new Error("no native build was found"))).toMatchObject({
      code: "adapter-absent",
      message: expect.stringContaining("no native build was found"),
    });
  });
});
