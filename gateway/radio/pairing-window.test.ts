import { beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import type { PairingMethod } from "../diagnostics/pairing-desk.ts";
import { openPairingWindow, type PairingWindow, WINDOW } from "./pairing-window.ts";

const ADDRESS = "c0:26:da:00:00:01";
const STRANGER = "40:11:22:33:44:55";
const never = new AbortController().signal;
const refused = new HubError("ble-not-bonded", "sensor cuff: pairing failed, wrong passkey; start the pairing again");

let clock: SimulatedClock;
let changes: number;

beforeEach(() => {
  clock = createSimulatedClock();
  changes = 0;
});

const open = (method: PairingMethod = "passkey"): PairingWindow =>
  openPairingWindow({
    clock,
    method,
    address: ADDRESS,
    changed: () => {
      changes += 1;
    },
  });

const personOf = (window: PairingWindow) => {
  const person = window.person();
  if (person === null) throw new Error("the window is not open");
  return person;
};

describe("a pairing window", () => {
  it("closes by itself after two minutes in which nobody was heard, and says so", async () => {
    const window = open();
    await clock.advance(WINDOW);
    expect(window.person()).toBeNull();
    expect(window.stage).toEqual({
      tag: "closed",
      sentence: "the window of 120 s is over: the sensor was not heard in its pairing mode",
    });
  });

  it("lets an attempt that has begun go on beyond its end, and no other begin", async () => {
    const window = open();
    const person = personOf(window);
    person.began();
    await clock.advance(WINDOW);
    expect([window.stage.tag, window.person()]).toEqual(["pairing", null]);
    person.ended(ADDRESS, null);
    expect(window.stage).toEqual({ tag: "paired" });
  });

  it.each([
    ["just-works", false],
    ["passkey", true],
    ["numeric-comparison", true],
  ] as const)("demands of a sensor with %s what its catalogue entry says", (method, mitm) => {
    expect(open(method).person()).toMatchObject({ mitm, identity: ADDRESS, io: "keyboard-display" });
  });

  it("asks for the passkey and hands it on", async () => {
    const window = open();
    const person = personOf(window);
    person.began();
    const answer = person.askPasskey(never);
    expect(window.stage).toEqual({ tag: "passkey-asked" });
    window.passkey(123_456);
    expect(await answer).toBe(123_456);
    expect(window.stage).toEqual({ tag: "pairing" });
    expect(changes).toBe(3);
  });

  it("keeps a passkey that was typed before it was asked for, for one attempt", async () => {
    const window = open();
    window.passkey(42);
    const person = personOf(window);
    person.began();
    expect(await person.askPasskey(never)).toBe(42);
    person.ended(ADDRESS, refused);
    personOf(window).began();
    void person.askPasskey(never);
    expect(window.stage.tag).toBe("passkey-asked");
  });

  it("gives up the question when the attempt ends before anybody answers", async () => {
    const window = open();
    const over = new AbortController();
    const answers = [personOf(window).askPasskey(over.signal), personOf(open()).compare(7, over.signal)];
    over.abort();
    expect(await Promise.all(answers)).toEqual([null, false]);
    window.passkey(1);
    expect(window.stage.tag).toBe("passkey-asked");
  });

  it("shows numbers with six digits", () => {
    const window = open("numeric-comparison");
    const person = personOf(window);
    void person.compare(712, never);
    expect(window.stage).toEqual({ tag: "comparing", number: "000712" });
    person.showPasskey(99);
    expect(window.stage).toEqual({ tag: "passkey-shown", passkey: "000099" });
  });

  it("closes when the numbers differ: somebody may sit in between", async () => {
    const window = open("numeric-comparison");
    const person = personOf(window);
    const answer = person.compare(7, never);
    expect(window.confirm(false)).toBe(true);
    expect(await answer).toBe(false);
    person.ended(ADDRESS, refused);
    expect(window.stage).toMatchObject({
      tag: "closed",
      sentence: expect.stringContaining("the numbers were different"),
    });
    expect(window.person()).toBeNull();
  });

  it("takes no answer where nothing is compared", () => {
    expect(open().confirm(true)).toBe(false);
  });

  it("gives up a question when it is cancelled", async () => {
    const window = open();
    const answer = personOf(window).askPasskey(never);
    window.cancel();
    expect(await answer).toBeNull();
    expect(window.stage).toEqual({ tag: "closed", sentence: "cancelled by the technician" });
  });

  it("takes three attempts, and says why the last one failed", () => {
    const window = open();
    for (let attempt = 1; attempt <= 3; attempt++) {
      const person = personOf(window);
      person.began();
      person.ended(ADDRESS, refused);
      expect(window.failed).toBe(refused.message);
    }
    expect(window.stage).toEqual({ tag: "closed", sentence: `3 attempts failed: ${refused.message}` });
  });

  it("tries a stranger with a private address three times, and stays open for the right one", async () => {
    const window = open();
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(window.mayBe(STRANGER)).toBe(true);
      const person = personOf(window);
      person.began();
      expect(window.mayBe("41:11:22:33:44:55")).toBe(false);
      person.ended(STRANGER, refused);
    }
    expect(window.mayBe(STRANGER)).toBe(false);
    expect(window.mayBe("41:11:22:33:44:55")).toBe(true);
    expect(window.stage).toEqual({ tag: "waiting" });
  });
});
