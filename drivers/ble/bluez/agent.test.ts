import { describe, expect, it } from "vitest";
import type { PairingPerson } from "../security/pairing-person.ts";
import { createPairingAgent } from "./agent.ts";
import { failureOf } from "./dbus.ts";

const DEVICE = "/org/bluez/hci0/dev_C0_26_DA_00_00_01";
const person = (mitm: boolean): PairingPerson => ({
  io: "keyboard-display",
  mitm,
  identity: "c0:26:da:00:00:01",
  began: () => undefined,
  ended: () => undefined,
  showPasskey: () => undefined,
  askPasskey: async () => 42,
  compare: async (number) => number === 7,
});
const rejectionOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => "accepted",
    (thrown) => failureOf(thrown)?.name,
  );
const REJECTED = "org.bluez.Error.Rejected";

describe("the pairing agent", () => {
  it("accepts pairing without a question in a window, and not where the catalogue demands one", async () => {
    const agent = createPairingAgent();
    for (const mitm of [false, true]) {
      const window = agent.open({ device: DEVICE, person: person(mitm), progress: () => undefined });
      const answer = await rejectionOf(agent.asked("RequestAuthorization", [DEVICE]));
      expect(answer).toBe(mitm ? REJECTED : "accepted");
      expect(window.authenticated).toBe(false);
      window.close();
      expect(await rejectionOf(agent.asked("RequestAuthorization", [DEVICE]))).toBe(REJECTED);
    }
  });

  it.each([
    ["DisplayPasskey", [DEVICE, 42, 0]],
    ["RequestPasskey", [DEVICE]],
    ["RequestConfirmation", [DEVICE, 7]],
  ])("counts a pairing as authenticated after %s", async (member, body) => {
    const agent = createPairingAgent();
    let progress = 0;
    const gotOn = (): void => {
      progress += 1;
    };
    const window = agent.open({ device: DEVICE, person: person(true), progress: gotOn });
    expect(window.authenticated).toBe(false);
    await agent.asked(member, body);
    expect(window.authenticated).toBe(true);
    expect(progress).toBe(2);
  });

  it("does not count a comparison that the person found unequal", async () => {
    const agent = createPairingAgent();
    const window = agent.open({ device: DEVICE, person: person(true), progress: () => undefined });
    expect(await rejectionOf(agent.asked("RequestConfirmation", [DEVICE, 8]))).toBe(REJECTED);
    expect(window.authenticated).toBe(false);
  });

  it("answers a passkey as BlueZ wants it", async () => {
    const agent = createPairingAgent();
    agent.open({ device: DEVICE, person: person(true), progress: () => undefined });
    expect(await agent.asked("RequestPasskey", [DEVICE])).toEqual({ signature: "u", body: [42] });
  });
});
