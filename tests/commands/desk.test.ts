import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompactSign } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CommandKeys, readCommandKeys } from "../../gateway/commands/command-keys.ts";
import type { DesiredPart } from "../../gateway/commands/desk.ts";
import { type CommandSigner, createCommandSigner } from "../../hardware-sim/region/command-signer.ts";
import { hubId } from "../../protocol/ids.ts";
import { isoUtc, minutes } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { ANNA, BERIT, type DeskUnderTest, HUB, memoryFile, openDesk } from "./support/desk.ts";

const ID = "0b9d6c7e-4f0a-4c3e-9a55-0123456789ab";
const reassign = { from: ANNA, to: BERIT, backlog: "deliver" };
let folder: string;
let signer: CommandSigner;
let keys: () => Promise<CommandKeys>;
let file: ReturnType<typeof memoryFile>;
let hub: DeskUnderTest;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-keys-"));
  signer = createCommandSigner(HUB);
  await writeFile(join(folder, "command.pem"), signer.publicKeyPem);
  keys = () => readCommandKeys([join(folder, "command.pem")]);
  file = memoryFile();
  hub = await openDesk(file, keys);
});
afterEach(() => rm(folder, { recursive: true }));

const restarted = async (): Promise<DeskUnderTest> => openDesk(file, keys);
const codes = ({ desk }: DeskUnderTest): readonly string[] => desk.refused.map(({ code }) => code);

describe("F36: a command that arrives again", () => {
  it("runs once, in the same message, in the next one and after a restart", async () => {
    const release = await signer.sign("release-sealed", { epoch: 2 }, { id: ID });
    await hub.desire([release, release]);
    await hub.desire([release]);
    expect(hub.released).toEqual([2]);
    const after = await restarted();
    await after.desire([release]);
    expect(after.released).toEqual([]);
    expect(after.journal.state).toMatchObject({ counter: 1, entries: [{ id: ID, progress: "done" }] });
    expect(codes(after)).toEqual([]);
  });

  it("is the same command where the region signed the same words a second time", async () => {
    const ecdsa = createCommandSigner(HUB, "ES256");
    await writeFile(join(folder, "command.pem"), ecdsa.publicKeyJwk);
    const [first, second] = [
      await ecdsa.sign("release-sealed", { epoch: 2 }, { id: ID, counter: 5 }),
      await ecdsa.sign("release-sealed", { epoch: 2 }, { id: ID, counter: 5 }),
    ];
    expect(second).not.toBe(first);
    await hub.desire([first]);
    await hub.desire([second]);
    expect(hub.released).toEqual([2]);
    expect(codes(hub)).toEqual([]);
  });

  it("is durable before it has an effect, and goes on after a cut in between", async () => {
    const wipe = await signer.sign("wipe", {}, { id: ID });
    await hub.desire([wipe]);
    expect(hub.due).toBe(1);
    expect(file.written).toHaveLength(1);
    const after = await restarted();
    expect(after.journal.pending).toMatchObject([{ id: ID, command: "wipe", progress: "accepted" }]);
    const stop = new AbortController();
    const running = after.desk.run(stop.signal);
    stop.abort();
    await running;
    expect(after.due).toBe(1);
  });

  it("has no effect while the disk does not take it, and runs when it comes with the next connection", async () => {
    const failing = { ...file, write: async () => Promise.reject(new Error("no")) };
    const broken = await openDesk(failing, keys);
    const release = await signer.sign("release-sealed", { epoch: 2 });
    await expect(broken.desire([release])).rejects.toThrow("no");
    expect(broken.released).toEqual([]);
    await hub.desire([release]);
    expect(hub.released).toEqual([2]);
  });
});

describe("F37: a command that is forged or replayed is refused with its code, reported, and has no effect", () => {
  const tampered = (jws: string): string => {
    const [header = "", payload = "", signature = ""] = jws.split(".");
    const changed = Buffer.from(payload, "base64url").toString("utf8").replace(BERIT, "b-thief0");
    return [header, Buffer.from(changed).toString("base64url"), signature].join(".");
  };
  const unsigned = (jws: string): string => {
    const [, payload = ""] = jws.split(".");
    const header = Buffer.from(JSON.stringify({ alg: "none", typ: "hemhub-reassign+json" })).toString("base64url");
    return `${header}.${payload}.`;
  };
  const hmac = async (): Promise<string> =>
    await new CompactSign(new TextEncoder().encode("{}"))
      .setProtectedHeader({ alg: "HS256", typ: "hemhub-reassign+json" })
      .sign(Buffer.from(signer.publicKeyPem));
  const good = (changes = {}): Promise<string> => signer.sign("reassign", reassign, changes);

  it.each<[string, string, () => Promise<string>]>([
    ["signed with another key", "signature", () => createCommandSigner(HUB).sign("reassign", reassign)],
    ["changed on the way", "signature", async () => tampered(await good())],
    ["without a signature", "algorithm", async () => unsigned(await good())],
    ["signed with the public key as a secret", "algorithm", hmac],
    ["for another hub", "other-hub", () => good({ hub: hubId("hub-0043") })],
    ["signed for another purpose", "wrong-type", () => good({ header: { typ: "hemhub-wipe+json" } })],
    ["without a purpose", "wrong-type", () => good({ header: { typ: undefined } })],
    [
      "with a key of its own in the header",
      "malformed",
      () => good({ header: { jwk: JSON.parse(signer.publicKeyJwk) } }),
    ],
    ["that is no JWS", "malformed", async () => "nonsense"],
    ["with a counter of 0", "malformed", () => good({ counter: 0 })],
    ["with more in it than belongs there", "malformed", () => good({ extra: true })],
    ["with a body that makes no sense", "malformed", () => signer.sign("reassign", { from: ANNA })],
    ["that this release does not have", "unknown-command", () => signer.sign("self-destruct", {})],
  ])("%s: %s", async (_, code, forge) => {
    await hub.desire([await forge()]);
    expect(codes(hub)).toEqual([code]);
    expect(hub.events).toEqual([`command-refused ${code}`]);
    expect(hub.due).toBe(0);
    expect(hub.journal.state).toMatchObject({ counter: 0, entries: [] });
  });

  it("replayed with an old counter, also after a restart: replayed", async () => {
    const old = await good({ counter: 4 });
    await hub.desire([await signer.sign("release-sealed", { epoch: 2 }, { counter: 7 })]);
    for (const under of [hub, await restarted()]) {
      await under.desire([old]);
      expect(codes(under)).toEqual(["replayed"]);
      await under.desire([await good({ counter: 7 })]);
      expect(codes(under)).toEqual(["replayed"]);
      expect(under.due).toBe(0);
    }
  });

  it("with the id of another command: id-reused", async () => {
    await hub.desire([await signer.sign("release-sealed", { epoch: 2 }, { id: ID })]);
    await hub.desire([await signer.sign("release-sealed", { epoch: 3 }, { id: ID })]);
    expect(codes(hub)).toEqual(["id-reused"]);
    expect(hub.released).toEqual([2]);
  });

  it("on a hub without keys, or with files that are no public key: no-keys, and the rest goes on", async () => {
    for (const content of ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"]) {
      await writeFile(join(folder, "command.pem"), content);
      await hub.desire([await good()]);
      expect(codes(hub)).toEqual(["no-keys"]);
    }
    const { troubles } = await keys();
    expect(troubles).toEqual([expect.stringMatching(/a private key; give the public one/)]);
    await writeFile(join(folder, "command.pem"), signer.publicKeyPem);
    await hub.desire([await good()]);
    expect(hub.due).toBe(1);
  });
});

describe("times of a command", () => {
  const at = (under: DeskUnderTest, offset: number): string => isoUtc((under.clock.now() + offset) as never);

  it("are looked at while the clock is trusted: expired is the end of it, not yet valid waits", async () => {
    const expired = await signer.sign("release-sealed", { epoch: 2 }, { expires: at(hub, -1000) });
    await hub.desire([expired]);
    expect(hub.journal.state.entries).toMatchObject([{ progress: "refused", code: "expired" }]);

    const later = await signer.sign("release-sealed", { epoch: 2 }, { notBefore: at(hub, 90_000) });
    await hub.desire([later]);
    expect(codes(hub)).toEqual(["not-yet-valid"]);
    expect(hub.released).toEqual([]);
    const stop = new AbortController();
    const running = hub.desk.run(stop.signal);
    await hub.clock.advance(minutes(2));
    await until(() => hub.released.length > 0, "the command that waited is carried out");
    stop.abort();
    await running;
    expect(hub.released).toEqual([2]);
  });

  it("are not, while it is not: the counter protects", async () => {
    const unset = await openDesk(file, keys, { isClockSet: false });
    await unset.desire([await signer.sign("release-sealed", { epoch: 2 }, { expires: "2020-01-01T00:00:00Z" })]);
    expect(unset.released).toEqual([2]);
  });
});

describe("what a command asks", () => {
  it.each([
    ["wipe", {}, "readings-wait"],
    ["wipe", { waiting: 11 }, "readings-wait"],
    ["wipe", { waiting: 12 }, null],
    ["reassign", { from: ANNA, to: BERIT, backlog: "wipe", waiting: 3 }, "readings-wait"],
    ["reassign", { from: ANNA, to: BERIT, backlog: "seal" }, null],
    ["reassign", { from: BERIT, to: ANNA, backlog: "deliver" }, "other-assignment"],
    ["release-sealed", { epoch: 9 }, "no-such-epoch"],
  ])("%s %j while 12 readings wait: %s", async (command, body, code) => {
    hub.waiting = 12;
    await hub.desire([await signer.sign(command, body)]);
    expect(hub.journal.state.entries).toMatchObject([{ code, progress: code === null ? "accepted" : "refused" }]);
    expect(hub.due).toBe(code === null ? 1 : 0);
  });

  it("is taken in the order of the counters, whatever the order in the message", async () => {
    const first = await signer.sign("release-sealed", { epoch: 2 });
    const second = await signer.sign("release-sealed", { epoch: 3 });
    await hub.desire([second, first]);
    expect(hub.released).toEqual([2, 3]);
    expect(codes(hub)).toEqual([]);
  });
});

describe("the rest of the desired state", () => {
  it("is handed to whoever knows a part, and what nobody knows is reported and stops nothing", async () => {
    const seen: unknown[] = [];
    const parts = new Map<string, DesiredPart>([
      [
        "catalogue",
        async (content) => {
          seen.push(content);
          return null;
        },
      ],
      ["release", async () => "no such channel"],
    ]);
    const under = await openDesk(file, keys, { parts });
    const release = await signer.sign("release-sealed", { epoch: 2 });
    await under.desire([release, "x".repeat(9000)], { catalogue: { version: "3" }, release: {}, mood: 1, "a b": 2 });
    expect(seen).toEqual([{ version: "3" }]);
    expect(under.desk.notUnderstood.map(({ part }) => part)).toEqual(["commands[1]", "(others)", "release", "mood"]);
    expect(under.released).toEqual([2]);
  });

  it.each([
    ["{", /not JSON/],
    ["[]", /not an object/],
    [JSON.stringify({ schema: "desired/2", commands: [] }), /not desired\/1/],
  ])("is reported as a whole where it is %s", async (payload, sentence) => {
    await hub.desk.take(new TextEncoder().encode(payload));
    expect(hub.desk.notUnderstood).toEqual([{ part: "desired", reason: expect.stringMatching(sentence) }]);
    expect(hub.events).toEqual(["malformed-data desired"]);
  });

  it("asks for nothing where the retained message was cleared", async () => {
    await hub.desk.take(new Uint8Array());
    expect(hub.desk.notUnderstood).toEqual([]);
  });
});
