import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Signature } from "@tufjs/models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { epochMs, isoUtc } from "../../protocol/time.ts";
import { createTestHub, NOW, type TestHub } from "./hub.ts";
import { createRoleKey, type KeyKind } from "./keys.ts";
import { createMemorySource, replyOf } from "./memory-source.ts";
import { createTestRepository, type TestRepository, tamper } from "./repository.ts";

const PATH = "hemhub/release.sqfs";
const CONTENT = Buffer.from("a release");
const BEFORE_NOW = isoUtc(epochMs(NOW - 1));
const DAY = 86_400_000;

let region: TestRepository;
let hub: TestHub;

beforeEach(async () => {
  region = createTestRepository();
  hub = await createTestHub({ root: region.firstRoot });
});
afterEach(() => hub[Symbol.asyncDispose]());

const source = () => createMemorySource(region);
const refused = async (code: string, sentence: RegExp): Promise<void> => {
  await expect(hub.refresh(source())).rejects.toMatchObject({ code, message: expect.stringMatching(sentence) });
};
const copyOf = (repository: TestRepository) => ({ files: new Map(repository.files) });

describe("what the region signed", () => {
  it.each<KeyKind>(["ed25519", "ecdsa", "rsa"])("is trusted with %s keys", async (kind) => {
    const signedSo = createTestRepository({
      root: [createRoleKey(kind)],
      timestamp: [createRoleKey(kind)],
      snapshot: [createRoleKey(kind)],
      targets: [createRoleKey(kind)],
    });
    signedSo.addTarget(PATH, CONTENT);
    signedSo.publish();
    await using other = await createTestHub({ root: signedSo.firstRoot });
    expect(await other.target(createMemorySource(signedSo), PATH)).toMatchObject({
      path: PATH,
      length: CONTENT.length,
    });
  });

  it("is found in delegated roles, and their metadata is kept", async () => {
    region.delegate("catalogue", ["catalogue/*"]);
    region.addDelegatedTarget("catalogue", "catalogue/sensors.json", CONTENT);
    region.publish();
    expect(await hub.target(source(), "catalogue/sensors.json")).toMatchObject({ length: CONTENT.length });
    expect(await hub.version("catalogue")).toBe(1);
  });

  it("carries its custom fields and its place in the repository", async () => {
    region.addTarget(PATH, CONTENT, { counter: 7 });
    region.publish();
    const target = await hub.target(source(), PATH);
    expect(target.custom).toEqual({ counter: 7 });
    expect(target.location).toBe(`hemhub/${target.hashes[0]?.digest}.release.sqfs`);
  });

  it("is not fetched twice: a second look asks for root and timestamp only", async () => {
    await hub.refresh(source());
    const again = source();
    await hub.refresh(again);
    expect(again.asked).toEqual(["metadata/2.root.json", "metadata/timestamp.json"]);
  });
});

describe("signatures", () => {
  it("that are altered are refused", async () => {
    tamper(region, "timestamp.json", ({ signatures }) => {
      const [first] = signatures;
      if (first !== undefined) first.sig = `${first.sig.startsWith("00") ? "ff" : "00"}${first.sig.slice(2)}`;
    });
    await refused("update-untrusted", /not signed as the region signs.*0\/1 keys/);
    expect(await hub.version("timestamp")).toBeNull();
  });

  it("over other content are refused", async () => {
    tamper(region, "1.targets.json", ({ signed }) => {
      signed.targets = {};
      signed.extra = 1;
    });
    await refused("update-untrusted", /not signed/);
  });

  it("by a key that root does not name are refused", async () => {
    region.roles.timestamp.keys = [createRoleKey()];
    region.publishTimestamp();
    await refused("update-untrusted", /0\/1 keys/);
  });

  it("of fewer keys than the threshold are refused", async () => {
    const keys = [createRoleKey(), createRoleKey(), createRoleKey()];
    region.roles.targets = { ...region.roles.targets, keys, threshold: 2 };
    region.publishRoot();
    region.roles.targets.keys = keys.slice(0, 1);
    region.publish();
    await refused("update-untrusted", /1\/2 keys/);
    region.roles.targets.keys = keys.slice(1);
    region.publish();
    await hub.refresh(source());
    expect(await hub.version("targets")).toBe(3);
  });

  it("of one key twice count once, and are refused as they are", async () => {
    const [first, second] = [createRoleKey(), createRoleKey()];
    region.roles.timestamp = { ...region.roles.timestamp, keys: [first, second], threshold: 2 };
    region.publishRoot();
    region.roles.timestamp.keys = [first];
    region.publishTimestamp();
    tamper(region, "timestamp.json", ({ signatures }) => {
      signatures.push(...structuredClone(signatures));
    });
    await refused("update-untrusted", /multiple signatures/);
  });

  it("of one key under two names count once", async () => {
    const first = createRoleKey();
    const second = createRoleKey();
    const alias = {
      key: second.key,
      sign: (bytes: Buffer) => new Signature({ keyID: second.key.keyID, sig: first.sign(bytes).sig }),
    };
    region.roles.timestamp = { ...region.roles.timestamp, keys: [first, second], threshold: 2 };
    region.publishRoot();
    region.roles.timestamp.keys = [first, alias];
    region.publishTimestamp();
    await refused("update-untrusted", /1\/2 keys/);
  });
});

describe("expiry", () => {
  it.each(["timestamp", "snapshot", "targets"] as const)("of %s is refused in words", async (role) => {
    region.roles[role].expires = BEFORE_NOW;
    region.publish();
    await refused(
      "update-expired",
      new RegExp(`${role}\\.json of the test repository is no longer valid on 2150-01-01`),
    );
    expect(await hub.version(role)).toBeNull();
  });

  it("of the last root is refused, and of a root on the way there is not", async () => {
    region.roles.root.expires = BEFORE_NOW;
    region.publishRoot();
    await refused("update-expired", /root\.json/);
    expect(await hub.version("root")).toBe(2);
    region.roles.root.expires = isoUtc(epochMs(NOW + DAY));
    region.publishRoot();
    await hub.refresh(source());
    expect(await hub.version("root")).toBe(3);
  });

  it("of a delegated role is refused by the same time, new or in place", async () => {
    region.delegate("catalogue", ["catalogue/*"], isoUtc(epochMs(NOW + DAY)));
    region.addDelegatedTarget("catalogue", "catalogue/x", CONTENT);
    region.publish();
    await hub.target(source(), "catalogue/x");
    hub.clock.setWallClock(epochMs(NOW + DAY));
    const late = { code: "update-expired", message: expect.stringMatching(/catalogue\.json/) };
    await expect(hub.target(source(), "catalogue/x")).rejects.toMatchObject(late);
    await using fresh = await createTestHub({ root: region.firstRoot, now: epochMs(NOW + DAY) });
    await expect(fresh.target(source(), "catalogue/x")).rejects.toMatchObject(late);
    expect(await fresh.version("catalogue")).toBeNull();
  });

  it("is not escaped by a clock of 1970: the build time and the last signed time hold", async () => {
    const signedAt = isoUtc(epochMs(NOW - 2 * DAY));
    region.publish({ "x-hemhub-signed-at": signedAt });
    await hub.refresh(source());
    hub.clock.setWallClock(epochMs(0));
    await hub.refresh(source());
    region.roles.timestamp.expires = isoUtc(epochMs(NOW - 3 * DAY));
    region.publishTimestamp();
    await refused("update-expired", new RegExp(`no longer valid on ${signedAt}`));

    await using built = await createTestHub({ root: region.firstRoot, now: epochMs(0), builtAt: NOW });
    await expect(built.refresh(source())).rejects.toMatchObject({ code: "update-expired" });
  });

  it("refuses all with a clock of 2999, and nothing once it is right again", async () => {
    await hub.refresh(source());
    hub.clock.setWallClock(epochMs(Date.UTC(2999, 0, 1)));
    await refused("update-expired", /2999.*set the hub's clock/);
    hub.clock.setWallClock(NOW);
    region.publish();
    await hub.refresh(source());
    expect(await hub.version("timestamp")).toBe(2);
  });
});

describe("older states", () => {
  it("of every role are refused once newer ones were seen", async () => {
    const old = copyOf(region);
    region.publish();
    await hub.refresh(source());
    await expect(hub.refresh(createMemorySource(old))).rejects.toMatchObject({
      code: "update-rolled-back",
      message: expect.stringMatching(/older state is refused\. Publish it anew/),
    });
  });

  it("mixed with newer ones are refused", async () => {
    const old = region.files.get("metadata/1.snapshot.json");
    region.publish();
    if (old !== undefined) region.files.set("metadata/2.snapshot.json", old);
    await refused("update-untrusted", /snapshot/);
    expect(await hub.version("targets")).toBeNull();
  });

  it.each(["timestamp", "snapshot", "targets"])("are refused also after %s was torn", async (role) => {
    const old = copyOf(region);
    region.publish();
    await hub.refresh(source());
    const name = join(hub.metadata, `${role}.json`);
    const whole = (await hub.files.read(name)) ?? new Uint8Array();
    await writeFile(name, whole.subarray(0, whole.length / 2));
    for (const other of ["timestamp", "snapshot", "targets"]) {
      if (other !== role) await rm(join(hub.metadata, `${other}.json`));
    }
    await expect(hub.refresh(createMemorySource(old))).rejects.toMatchObject({ code: "update-rolled-back" });
    await hub.refresh(source());
    expect(await hub.version("targets")).toBe(2);
  });

  it("are refused where the metadata itself was put back, as from a copy of the disk", async () => {
    const old = copyOf(region);
    await hub.refresh(source());
    const kept = await Promise.all(
      ["timestamp", "snapshot", "targets"].map((role) => hub.store().installed(`${role}.json`)),
    );
    region.publish();
    await hub.refresh(source());
    for (const [i, role] of ["timestamp", "snapshot", "targets"].entries()) {
      await writeFile(join(hub.metadata, `${role}.json`), kept[i] ?? "");
    }
    await expect(hub.refresh(createMemorySource(old))).rejects.toMatchObject({ code: "update-rolled-back" });
  });

  it.each(["version-floors.1", "version-floors.2"])("are refused with %s damaged, and it is mended", async (copy) => {
    const old = copyOf(region);
    region.publish();
    await hub.refresh(source());
    await writeFile(join(hub.metadata, copy), '{"schema":"version-floors/1","generation":99,"floors":{}}');
    for (const role of ["timestamp", "snapshot", "targets"]) await rm(join(hub.metadata, `${role}.json`));
    await expect(hub.refresh(createMemorySource(old))).rejects.toMatchObject({ code: "update-rolled-back" });
    expect((await hub.store().floors.load()).damagedCopies).toBe(0);
  });

  it("of versions that cannot be counted on are refused", async () => {
    region.roles.timestamp.version = 2 ** 60;
    region.publishTimestamp();
    await refused("update-untrusted", /timestamp\.json version 1152921504606847000/);
  });
});

describe("root", () => {
  it("is followed over several rotations at once", async () => {
    for (let n = 0; n < 5; n += 1) {
      const before = region.roles.root.keys;
      region.rotate("root", 3);
      region.roles.root.threshold = 2;
      region.publishRoot([...before, ...region.roles.root.keys]);
    }
    await hub.refresh(source());
    expect(await hub.version("root")).toBe(6);
  });

  it("that skips a version is refused, and what came before it is kept", async () => {
    region.publishRoot();
    region.publishRoot();
    region.publishRoot();
    const skipped = region.files.get("metadata/4.root.json");
    if (skipped !== undefined) region.files.set("metadata/3.root.json", skipped);
    await refused("update-untrusted", /Expected version 3, got 4/);
    expect(await hub.version("root")).toBe(2);
  });

  it("that the old keys did not sign is refused", async () => {
    region.rotate("root");
    region.publishRoot();
    await refused("update-untrusted", /root was signed by 0\/1 keys/);
  });

  it("that is torn on the disk is taken from the release, and the chain is walked again", async () => {
    region.publishRoot();
    await using shipped = await createTestHub({ root: region.firstRoot, shippedRoot: region.firstRoot });
    await shipped.refresh(source());
    await writeFile(join(shipped.metadata, "root.json"), '{"signed":');
    await shipped.refresh(source());
    expect(await shipped.version("root")).toBe(2);
  });

  it("that is torn without another to begin from is said in words", async () => {
    await writeFile(join(hub.metadata, "root.json"), "");
    await refused("update-untrusted", /root\.json is damaged.*give the hub the region's root again/);
  });

  it("lets a region recover from a thief who signed the highest version", async () => {
    region.roles.timestamp.version = 2 ** 31;
    region.roles.snapshot.version = 2 ** 31;
    region.roles.targets.version = 2 ** 31;
    region.publish({ "x-hemhub-signed-at": "2199-01-01T00:00:00Z" });
    await hub.refresh(source());
    for (const role of ["timestamp", "snapshot", "targets"] as const) region.roles[role].version = 1;
    region.publish();
    await refused("update-rolled-back", /2147483649/);
    for (const role of ["timestamp", "snapshot", "targets"] as const) region.rotate(role);
    region.publishRoot();
    region.roles.timestamp.expires = "2198-01-01T00:00:00Z";
    region.publish();
    await hub.refresh(source());
    expect(await hub.version("timestamp")).toBe(3);
    expect(await hub.version("targets")).toBe(3);
  });

  it("does not forget versions where it only adds a key", async () => {
    const old = copyOf(region);
    region.publish();
    await hub.refresh(source());
    region.roles.timestamp.keys = [...region.roles.timestamp.keys, createRoleKey()];
    region.publishRoot();
    old.files.set("metadata/2.root.json", region.files.get("metadata/2.root.json") ?? Buffer.alloc(0));
    for (const role of ["timestamp", "snapshot", "targets"]) await rm(join(hub.metadata, `${role}.json`));
    await expect(hub.refresh(createMemorySource(old))).rejects.toMatchObject({
      code: "update-rolled-back",
      message: expect.stringMatching(/timestamp\.json version 1/),
    });
  });
});

describe("what a server may send", () => {
  it("ends at the longest that a role may be", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 1024;
        yield Buffer.alloc(1024, 32);
      }
    }
    const endlessly = createMemorySource(region, ({ path }) => (path === "timestamp.json" ? replyOf(endless()) : null));
    await expect(hub.refresh(endlessly)).rejects.toMatchObject({ code: "update-too-large" });
    expect(sent).toBeLessThanOrEqual(16_384 + 1024);
  });

  it("is refused where it is not JSON", async () => {
    region.files.set("metadata/timestamp.json", Buffer.from("<html>sign in</html>"));
    await refused("update-untrusted", /not signed as the region signs/);
  });

  it("may lack what is listed: that is told from a forgery", async () => {
    region.files.delete("metadata/1.snapshot.json");
    await refused("update-unreachable", /1\.snapshot\.json/);
  });
});

describe("the disk of a hub", () => {
  it("that is full leaves what is in place, and the next check goes on", async () => {
    await hub.refresh(source());
    region.publish();
    const { files } = hub;
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    for (const fault of [
      { replace: () => Promise.reject(full) },
      { scratch: () => Promise.reject(full) },
      { makeDirectory: () => Promise.reject(full) },
    ]) {
      hub.files = { ...files, ...fault };
      await refused("update-no-space", /the disk is full; free space on it/);
      expect(await hub.version("timestamp")).toBe(1);
    }
    hub.files = files;
    await hub.refresh(source());
    expect(await hub.version("timestamp")).toBe(2);
  });

  it("that lost both copies of the floors still has the metadata in place, and makes them anew", async () => {
    const old = copyOf(region);
    region.publish();
    await hub.refresh(source());
    for (const copy of ["version-floors.1", "version-floors.2"]) await writeFile(join(hub.metadata, copy), "");
    await expect(hub.refresh(createMemorySource(old))).rejects.toMatchObject({ code: "update-rolled-back" });
    await hub.refresh(source());
    expect((await hub.store().floors.load()).floors).toMatchObject({ timestamp: { value: 2 }, targets: { value: 2 } });
  });
});

describe("targets", () => {
  it("that no role lists are unknown, also by the names that every object has", async () => {
    for (const path of ["nowhere", "constructor", "__proto__", "toString"]) {
      await expect(hub.target(source(), path)).rejects.toMatchObject({ code: "update-unknown-target" });
    }
  });
});
