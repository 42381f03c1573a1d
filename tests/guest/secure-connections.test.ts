import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type BondedHub, emptyRecord, startBondedHub, testCuff } from "../radio/bonded-hub.ts";
import { startBtvirt } from "../radio/btvirt.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { guestMissing, startBluezGuest } from "./bluez-guest.ts";

const missing = [requirement("btvirt").reason, requirement("cc").reason, guestMissing()]
  .filter((reason) => reason !== null)
  .join("; ");
const title = "bonding with LE Secure Connections against the Linux kernel's Security Manager";

const uuid = (short: string): string => `0000${short}-0000-1000-8000-00805f9b34fb`;
const VALUE = "167c0056006100e807060f11111b33000000";
const octets = (VALUE.match(/../g) ?? []).map((octet) => `0x${octet}`).join(" ");

describe.skipIf(missing !== "")(missing === "" ? title : `${title} [skipped: ${missing}]`, () => {
  it("pairs once, and reads what is for bonded hubs in every later life of the hub", {
    timeout: 480_000,
  }, async () => {
    await using emulator = await startBtvirt();
    const hubPort = await emulator.controller();
    await using guest = await startBluezGuest(emulator.server);
    const folder = await mkdtemp(path.join(tmpdir(), "hemhub-guest-bonds-"));
    const record = emptyRecord();

    // A cuff whose measurement only a bonded hub may read.
    await guest.say("power on", /Powered: yes|power on succeeded/);
    await guest.say("pairable on", "pairable on succeeded");
    await guest.say("menu gatt", "register-application");
    await guest.say(`register-service ${uuid("1810")}`, "Primary (yes/no)");
    await guest.say("yes", /yes[\s\S]*#/);
    await guest.say(`register-characteristic ${uuid("2a35")} indicate,read,encrypt-read`, "Enter value");
    await guest.say(octets, /0x00[\s\S]*#/);
    await guest.say("register-application", "Application registered");
    await guest.say("back", "power <on/off>");
    await guest.say("menu advertise", "uuids");
    await guest.say(`uuids ${uuid("1810")}`, /uuids[\s\S]*#/);
    await guest.say("back", "power <on/off>");
    await guest.say("advertise on", "Advertising object registered");
    const address = /Controller (([0-9A-F]{2}:){5}[0-9A-F]{2})/.exec(guest.screen)?.[1]?.toLowerCase() ?? "";

    const startHub = (): Promise<BondedHub> =>
      startBondedHub({ path: hubPort.path, folder, sensors: [testCuff({ address })], record });
    /** A condition on hub and guest; where it is not met, what both of them show is in the error. */
    const seen = (hub: BondedHub, condition: () => boolean, what: string, deadlineMs: number): Promise<unknown> =>
      until(condition, what, deadlineMs).catch((thrown: unknown) => {
        const found = JSON.stringify([hub.desk.view("cuff"), hub.scheduler.status(), record.reports]);
        throw new Error(`${String(thrown)}: ${found}; the guest shows ${guest.screen.slice(-1500)}`);
      });
    const paired = (hub: BondedHub): Promise<unknown> =>
      seen(hub, () => hub.desk.view("cuff").stage.tag === "paired", "the guest is paired", 30_000);
    /** Read over the encrypted link, or refused by the guest with an ATT error. The guest is emulated, and slow. */
    const taken = (hub: BondedHub, times: number): Promise<unknown> =>
      seen(hub, () => record.readings.length === times, `reading ${times} is taken`, 180_000);
    {
      await using hub = await startHub();
      const from = guest.screen.length;
      hub.desk.open("cuff");
      await until(() => guest.screen.slice(from).includes("Accept pairing (yes/no)"), "the guest asks", 30_000);
      await guest.say("yes", "yes");
      await paired(hub);
      expect(hub.desk.bond("cuff")).toMatchObject({
        method: "LE Secure Connections, Just Works",
        authenticated: false,
      });
      await taken(hub, 1);
    }
    const bonds = await readFile(path.join(folder, "bonds.json"), "utf8");
    for (let life = 2; life <= 3; life++) {
      await using hub = await startHub();
      await taken(hub, life);
    }
    expect(record.readings.map(({ hex }) => hex)).toEqual([VALUE, VALUE, VALUE]);
    expect(record.reports).toEqual([]);
    // Another pairing would have made another key.
    expect(await readFile(path.join(folder, "bonds.json"), "utf8")).toBe(bonds);
    await rm(folder, { recursive: true });
  });
});
