// Long: every way in which BlueZ pairs and forgets, over one mock of it that the cases share.
import { afterEach, describe, expect, it } from "vitest";
import type { BluezSecurity } from "../../drivers/ble/bluez/securing.ts";
import type { PairingPerson } from "../../drivers/ble/security/pairing-person.ts";
import { channelId } from "../../protocol/ids.ts";
import { millis } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { startForger } from "./bluez-forger.ts";
import { type BluezHome, CUFF, hear, isMissing, never, pass, startHome, titled } from "./bluez-home.ts";
import type { MockBluezOptions } from "./bluez-mock.ts";

const ADDRESS = "c0:26:da:00:00:01";
const UPPER = "C0:26:DA:00:00:01";
const DEVICE = "org.bluez.Device1";

const failing = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "it went well",
    (thrown: unknown) => thrown,
  );

/** A person who types what the sensor shows, and finds every comparison equal. */
const personWith = (changes: Partial<PairingPerson> = {}): PairingPerson & { readonly shown: number[] } => {
  const shown: number[] = [];
  return {
    io: "keyboard-display",
    mitm: false,
    identity: ADDRESS,
    began: () => undefined,
    ended: () => undefined,
    showPasskey: (passkey) => shown.push(passkey),
    askPasskey: async () => 123456,
    compare: async () => true,
    ...changes,
    shown,
  };
};

describe.skipIf(isMissing)(titled("pairing through BlueZ"), () => {
  let home: BluezHome;
  let window: PairingPerson | null = null;
  let lostBonds: string[] = [];

  const security: BluezSecurity = {
    securityOf: (address) => (address === ADDRESS ? { bonded: true, authenticated: false, name: "Cuff" } : null),
    windowFor: (address) => (address === ADDRESS ? window : null),
    onBonded: () => undefined,
    onBondLost: (_, sentence) => void lostBonds.push(sentence),
  };
  const at = async (mock: MockBluezOptions = {}): Promise<BluezHome> => {
    window = null;
    lostBonds = [];
    home = await startHome(mock, { security });
    await home.radio.start(never);
    return home;
  };
  afterEach(async () => {
    await home[Symbol.asyncDispose]();
  });
  const isSet = (path: string, name: string): boolean => home.bluez.property(path, DEVICE, name) === true;
  const connects = (): number => home.bluez.calls.filter((call) => /^(Connect|Pair) /.test(call)).length;

  it("pairs in a window without asking where the sensor has nothing to show, trusts it, and closes again", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF });
    const advertisement = await hear(home, cuff);
    window = personWith();
    bluez.calls.length = 0;
    const link = await radio.connect(advertisement, never);
    expect(link.has(channelId("2a35"))).toBe(true);
    expect(isSet(cuff.path, "Paired")).toBe(true);
    expect(isSet(cuff.path, "Trusted")).toBe(true);
    expect(bluez.calls).toEqual([
      "UnregisterAgent",
      "RegisterAgent",
      "RequestDefaultAgent",
      "Set Pairable true",
      "Pair dev_C0_26_DA_00_00_01",
      "UnregisterAgent",
      "RegisterAgent",
      "RequestDefaultAgent",
      "Set Pairable false",
      "Set Trusted true",
      "Connect dev_C0_26_DA_00_00_01",
    ]);
    expect(bluez.agentOf(null)?.capability).toBe("NoInputNoOutput");

    window = null;
    await link[Symbol.asyncDispose]();
    bluez.calls.length = 0;
    const again = await radio.connect(await hear(home, cuff), never);
    expect(bluez.calls.filter((call) => call.startsWith("Pair"))).toEqual([]);
    await again[Symbol.asyncDispose]();
  });

  it("knows that BlueZ has a bond, and removes it when it is told to", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF });
    const advertisement = await hear(home, cuff);
    expect([radio.isBonded(ADDRESS), radio.isBonded("c0:26:da:00:00:99")]).toEqual([false, null]);
    window = personWith();
    const link = await radio.connect(advertisement, never);
    expect(radio.isBonded(ADDRESS)).toBe(true);
    await link[Symbol.asyncDispose]();
    await radio.forget(ADDRESS);
    expect(bluez.calls.at(-1)).toContain("RemoveDevice");
    expect(radio.isBonded(ADDRESS)).not.toBe(true);
    expect(lostBonds).toEqual([]);
  });

  it("keeps no bond with another sensor than the enrolled one, and tells the person so", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF });
    const advertisement = await hear(home, cuff);
    const endings: (string | null)[] = [];
    const ended: PairingPerson["ended"] = (_, error) => void endings.push(error?.message ?? null);
    window = personWith({ identity: "c0:26:da:00:00:77", ended });
    expect(await failing(radio.connect(advertisement, never))).toMatchObject({ code: "ble-not-bonded" });
    expect(endings).toEqual([expect.stringContaining(`the sensor that answered is ${ADDRESS}`)]);
    expect(radio.isBonded(ADDRESS)).not.toBe(true);
  });

  it.each([
    ["the sensor shows a passkey", { tag: "ask", passkey: 123456 } as const, []],
    ["the hub shows a passkey, once", { tag: "show", passkey: 42 } as const, [42]],
    ["both show a number", { tag: "compare", number: 7 } as const, []],
  ])("pairs where %s", async (_, pairing, shown) => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, pairing });
    const advertisement = await hear(home, cuff);
    const person = personWith({ mitm: true });
    window = person;
    await radio.connect(advertisement, never);
    expect(isSet(cuff.path, "Paired")).toBe(true);
    expect(person.shown).toEqual(shown);
  });

  it.each([
    ["types a wrong passkey", { tag: "ask", passkey: 654321 } as const, {}],
    ["gives up", { tag: "ask", passkey: 123456 } as const, { askPasskey: async () => null }],
    ["sees another number", { tag: "compare", number: 7 } as const, { compare: async () => false }],
  ])("does not pair where the person %s", async (_, pairing, changes) => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, pairing });
    const advertisement = await hear(home, cuff);
    window = personWith(changes);
    expect(await failing(radio.connect(advertisement, never))).toMatchObject({
      code: "ble-not-bonded",
      message: expect.stringMatching(/^Cuff: pairing failed, authentication failed; start the pairing again$/),
    });
    expect(isSet(cuff.path, "Paired")).toBe(false);
    expect(isSet(cuff.path, "Connected")).toBe(false);
    expect(bluez.agentOf(null)?.capability).toBe("NoInputNoOutput");
  });

  it("does not keep a bond without a passkey where the catalogue demands one", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF });
    const advertisement = await hear(home, cuff);
    window = personWith({ mitm: true });
    expect(await failing(radio.connect(advertisement, never))).toMatchObject({
      code: "ble-not-bonded",
      message: expect.stringContaining("without a passkey or comparison"),
    });
    expect(bluez.objects.has(cuff.path)).toBe(false);
  });

  it("keeps the bond of a sensor that hangs up as soon as it is paired", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, hangsUpWhenPaired: true });
    const advertisement = await hear(home, cuff);
    window = personWith();
    expect(await failing(radio.connect(advertisement, never))).toMatchObject({
      code: "ble-disconnected",
      message: expect.stringContaining("it is paired now"),
    });
    window = null;
    expect(isSet(cuff.path, "Trusted")).toBe(true);
    await radio.connect(await hear(home, cuff), never);
  });

  it("gives a pairing up that makes no progress, and goes on as long as it makes some", async () => {
    const { radio, bluez, clock } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, pairing: { tag: "ask", passkey: 123456 } });
    const advertisement = await hear(home, cuff);
    let type: ((passkey: number | null) => void) | null = null;
    let isWithdrawn = false;
    const askPasskey = (signal: AbortSignal): Promise<number | null> => {
      signal.addEventListener("abort", () => {
        isWithdrawn = true;
      });
      return new Promise((resolve) => {
        type = resolve;
      });
    };
    window = personWith({ askPasskey });
    const connecting = failing(radio.connect(advertisement, never));
    await until(() => clock.sleeping > 0, "the pairing has begun");
    await clock.advance(millis(25_000));
    await until(() => type !== null, "the person is asked");
    await clock.advance(millis(25_000));
    expect(isWithdrawn).toBe(false);
    await clock.advance(millis(5000));
    expect(await connecting).toMatchObject({
      code: "ble-timeout",
      message: expect.stringContaining("pairing made no progress in 30 s"),
    });
    expect(isWithdrawn).toBe(true);
    expect(bluez.calls).toContain("CancelPairing dev_C0_26_DA_00_00_01");
    expect(isSet(cuff.path, "Paired")).toBe(false);
  });

  it("does not connect to a sensor that has to be bonded and is not, outside of a window", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF });
    expect(await failing(radio.connect(await hear(home, cuff), never))).toMatchObject({
      code: "ble-not-bonded",
      message: "Cuff: not paired with this hub, and no pairing window is open; open one and pair it",
    });
    expect(connects()).toBe(0);
    expect(lostBonds).toEqual([]);
  });

  it.each([
    ["RequestPinCode", "o", []],
    ["DisplayPinCode", "os", ["0000"]],
    ["RequestPasskey", "o", []],
    ["DisplayPasskey", "ouq", [123456, 0]],
    ["RequestConfirmation", "ou", [123456]],
    ["RequestAuthorization", "o", []],
    ["AuthorizeService", "os", ["0000110b-0000-1000-8000-00805f9b34fb"]],
  ])("rejects %s when no window is open, and in the window of another sensor", async (member, signature, more) => {
    const { radio, bluez } = await at();
    const rejected = { type: "org.bluez.Error.Rejected" };
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, pairing: { tag: "ask", passkey: 123456 } });
    const stranger = "/org/bluez/hci0/dev_66_66_66_66_66_66";
    const advertisement = await hear(home, cuff);
    expect(await failing(bluez.ask(null, member, signature, [cuff.path, ...more]))).toMatchObject(rejected);

    let type: ((passkey: number | null) => void) | null = null;
    const askPasskey = (): Promise<number | null> =>
      new Promise((resolve) => {
        type = resolve;
      });
    window = personWith({ askPasskey });
    const connecting = radio.connect(advertisement, never);
    const typed = await until(() => type, "the person is asked");
    expect(await failing(bluez.ask(null, member, signature, [stranger, ...more]))).toMatchObject(rejected);
    typed(123456);
    await connecting;
    expect(isSet(cuff.path, "Paired")).toBe(true);
  });

  it("does not answer another program, also in a window", async () => {
    const { radio, bluez, daemon } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, pairing: { tag: "ask", passkey: 123456 } });
    const advertisement = await hear(home, cuff);
    const asked: ((passkey: number) => void)[] = [];
    const askPasskey = (): Promise<number> => new Promise((resolve) => asked.push(resolve));
    window = personWith({ askPasskey });
    const connecting = radio.connect(advertisement, never);
    await until(() => asked.length > 0, "the person is asked");
    const agent = bluez.agentOf(null);
    await using forger = await startForger(daemon.address, agent?.owner ?? "");
    expect(await forger.ask(agent?.path ?? "", "RequestPasskey", cuff.path)).toMatchObject({
      type: "org.freedesktop.DBus.Error.UnknownMethod",
    });
    expect(asked).toHaveLength(1);
    asked[0]?.(123456);
    await connecting;
  });

  it("does not blame the bond where BlueZ stops while a window is open", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
    const advertisement = await hear(home, cuff);
    window = personWith();
    bluez.afterAnswer.set("Connect", () => void bluez.stop());
    expect(await failing(radio.connect(advertisement, never))).toMatchObject({ code: "ble-disconnected" });
    expect(lostBonds).toEqual([]);
  });

  it("takes a question back when BlueZ does", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, pairing: { tag: "ask", passkey: 123456 } });
    const advertisement = await hear(home, cuff);
    let isAsked = false;
    const askPasskey = (signal: AbortSignal): Promise<number | null> => {
      isAsked = true;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    window = personWith({ askPasskey });
    const connecting = failing(radio.connect(advertisement, never));
    await until(() => isAsked, "the person is asked");
    await bluez.ask(null, "Cancel", "", []);
    expect(await connecting).toMatchObject({ code: "ble-not-bonded" });
  });

  it("says that the bond is lost when the sensor has forgotten it, and does not pair again", async () => {
    const { radio, bluez } = await at({ tellsReasons: true });
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
    cuff.hasForgottenBond = true;
    const advertisement = await hear(home, cuff);
    const sentence = "Cuff: the sensor has forgotten its bond with this hub; open a pairing window and pair it again";
    for (let i = 1; i <= 2; i++) {
      expect(await failing(radio.connect(advertisement, never))).toMatchObject({
        code: "bond-lost",
        message: sentence,
      });
      expect(lostBonds).toHaveLength(i);
    }
    expect(bluez.calls.filter((call) => call.startsWith("Pair"))).toEqual([]);
    expect(isSet(cuff.path, "Paired")).toBe(true);
    expect(radio.state).toBe("ready");
  });

  it("says that the bond is lost where BlueZ answers with an authentication error", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
    bluez.faults.set("Connect", { name: "org.bluez.Error.AuthenticationFailed", text: "Authentication Failed" });
    expect(await failing(radio.connect(await hear(home, cuff), never))).toMatchObject({ code: "bond-lost" });
    expect(lostBonds).toHaveLength(1);
  });

  it("does not call it lost where BlueZ before 5.83 does not say why the sensor hung up", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
    cuff.hasForgottenBond = true;
    expect(await failing(radio.connect(await hear(home, cuff), never))).toMatchObject({ code: "ble-disconnected" });
    expect(lostBonds).toEqual([]);
  });

  it.each([true, false])(
    "pairs anew in a window where the old bond does not work (reasons told: %s)",
    async (tells) => {
      const { radio, bluez } = await at({ tellsReasons: tells });
      const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
      cuff.hasForgottenBond = true;
      const advertisement = await hear(home, cuff);
      window = personWith();
      expect(await failing(radio.connect(advertisement, never))).toMatchObject({
        code: "ble-not-bonded",
        message: expect.stringContaining("the old bond did not work and is removed"),
      });
      expect(bluez.objects.has(cuff.path)).toBe(false);
      cuff.isNew();
      await radio.connect(await hear(home, cuff), never);
      expect(isSet(cuff.path, "Paired")).toBe(true);
      expect(cuff.hasForgottenBond).toBe(false);
    },
  );

  it("says that the bond is lost when BlueZ has forgotten a sensor that it trusts", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, trusted: true });
    expect(await failing(radio.connect(await hear(home, cuff), never))).toMatchObject({
      code: "bond-lost",
      message: expect.stringContaining("BlueZ has no bond with the sensor any more"),
    });
    expect(connects()).toBe(0);
  });

  it("says that the bond is lost when somebody removes it from BlueZ, also in the middle of a session", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
    const link = await radio.connect(await hear(home, cuff), never);
    await cuff.removedByBluez();
    await until(() => link.lost.aborted, "the link is lost");
    await link[Symbol.asyncDispose]();
    cuff.isNew();
    expect(await failing(radio.connect(await hear(home, cuff), never))).toMatchObject({ code: "bond-lost" });
    expect(lostBonds).toHaveLength(1);
  });

  it("hangs up at its start on an enrolled sensor that an earlier hub left connected, and on no other", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF, paired: true });
    const mouse = bluez.sensor({ address: "AA:AA:AA:00:00:01", characteristics: [], paired: true });
    for (const one of [cuff, mouse]) await one.called("Connect", ":1.99", one.path, []);
    await radio[Symbol.asyncDispose]();
    await radio.start(never);
    await until(() => !isSet(cuff.path, "Connected"), "the cuff is disconnected");
    expect(isSet(mouse.path, "Connected")).toBe(true);
  });

  it("ends a pairing that BlueZ does not answer", async () => {
    const { radio, bluez } = await at();
    const cuff = bluez.sensor({ address: UPPER, characteristics: CUFF });
    const advertisement = await hear(home, cuff);
    window = personWith();
    bluez.faults.set("Pair", "silent").set("CancelPairing", "silent");
    const connecting = failing(radio.connect(advertisement, never));
    await until(() => bluez.calls.includes("Pair (not answered)"), "BlueZ is asked");
    await pass(home, 30_000);
    await until(() => bluez.calls.includes("CancelPairing (not answered)"), "it is taken back");
    await pass(home, 2000);
    expect(await connecting).toMatchObject({ code: "ble-timeout" });
    expect(await failing(bluez.ask(null, "RequestAuthorization", "o", [cuff.path]))).toMatchObject({
      type: "org.bluez.Error.Rejected",
    });
  });
});
