import { describe, expect, it } from "vitest";
import { adapterAbsent, adapterWedged, type BluezAdapter, nameOf } from "../adapter.ts";
import { named } from "./bluez.ts";
import { isAuthenticationFailure, operationError, pairError } from "./bluez-error.ts";
import { refusal } from "./dbus.ts";

const adapter: BluezAdapter = { type: "bluez", name: "hci0" };

describe("trouble with BlueZ is one sentence with the next step:", () => {
  it.each([
    [new Error("connect ENOENT /run/dbus/system_bus_socket"), "systemctl start dbus"],
    [new Error("connect EACCES /run/dbus/system_bus_socket"), "group bluetooth"],
    [refusal("org.freedesktop.DBus.Error.ServiceUnknown", "The name is not activatable"), "enable --now bluetooth"],
    [refusal("org.freedesktop.DBus.Error.Spawn.ChildExited", "exited with status 1"), "enable --now bluetooth"],
    [refusal("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message"), "group bluetooth"],
    [refusal("org.bluez.Error.Blocked", "Blocked through rfkill"), "rfkill unblock"],
    [refusal("org.bluez.Error.NotReady", "Resource Not Ready"), "bluetoothctl power on"],
    [new Error("no such adapter, BlueZ has none"), "correct `name`"],
    [refusal("org.bluez.Error.Failed", "Failed"), "org.bluez.Error.Failed: Failed; check the adapter"],
  ])("%s", (found, next) => {
    const error = adapterAbsent(adapter, named(found));
    expect(error.code).toBe("adapter-absent");
    expect(error.message).toContain(next);
    expect(error.message).toMatch(/^Bluetooth adapter hci0: [^\n]+$/);
  });

  it("of an adapter that does not answer", () => {
    expect(nameOf(adapter)).toBe("hci0");
    expect(adapterWedged(adapter, "the start of a scan", 5000).message).toContain("systemctl restart bluetooth");
  });
});

describe("errors of BlueZ", () => {
  it.each(["org.bluez.Error.NotConnected", "org.freedesktop.DBus.Error.UnknownObject"])("%s end the link", (name) => {
    expect(operationError("read of 2a19", refusal(name, "text"))).toMatchObject({ code: "ble-disconnected" });
  });

  it("tell a pairing that was refused from a sensor that was not there and from one that was too slow", () => {
    const codeOf = (name: string): unknown => {
      const error = pairError("Cuff", refusal(`org.bluez.Error.${name}`, "Words of BlueZ"));
      return error instanceof Error && "code" in error ? error.code : null;
    };
    expect(codeOf("AuthenticationFailed")).toBe("ble-not-bonded");
    expect(codeOf("AuthenticationRejected")).toBe("ble-not-bonded");
    expect(codeOf("AuthenticationCanceled")).toBe("ble-not-bonded");
    expect(codeOf("AuthenticationTimeout")).toBe("ble-timeout");
    expect(codeOf("ConnectionAttemptFailed")).toBe("ble-disconnected");
    expect(codeOf("Failed")).toBe("ble-disconnected");
  });

  it("of authentication are known by their name, and those of the key by their text", () => {
    expect(isAuthenticationFailure(refusal("org.bluez.Error.AuthenticationFailed", "Authentication Failed"))).toBe(
      true,
    );
    expect(isAuthenticationFailure(refusal("org.bluez.Error.Failed", "br-connection-key-missing"))).toBe(true);
    expect(isAuthenticationFailure(refusal("org.bluez.Error.Failed", "le-connection-abort-by-local"))).toBe(false);
    expect(isAuthenticationFailure(new Error("Authentication"))).toBe(false);
  });
});
