import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HubError } from "../../../protocol/errors.ts";
import { type Bond, resolves } from "./bond.ts";
import { openBondStore } from "./bond-store.ts";

let folder = "";
const damage: string[] = [];
const open = () => openBondStore(path.join(folder, "bonds.json"), (sentence) => damage.push(sentence));
const bond = (last: number): Bond => ({
  ltk: "00112233445566778899aabbccddeeff",
  ediv: 4660,
  rand: "0102030405060708",
  irk: null,
  identity: { address: `c0:26:da:00:00:${last.toString(16).padStart(2, "0")}`, type: "public" },
  secureConnections: false,
  association: "just-works",
  authenticated: false,
  pairedAt: null,
});

beforeEach(async () => {
  damage.length = 0;
  folder = await mkdtemp(path.join(tmpdir(), "hemhub-bonds-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("keeps bonds across a restart in a file that only its owner reads", async () => {
  const store = await open();
  await Promise.all([store.put(bond(1)), store.put(bond(2))]);
  await store.remove(bond(1).identity.address);
  const again = await open();
  expect(again.all()).toEqual([bond(2)]);
  expect(again.get(bond(2).identity.address)).toEqual(bond(2));
  expect((await stat(path.join(folder, "bonds.json"))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["bonds.json"]);
});

it.each(["", "{", "[]", '{"schema":"bonds/1","bonds":[{"ltk":"00"}]}'])(
  "sets a damaged file aside and says so, never overwriting it: %s",
  async (text) => {
    await writeFile(path.join(folder, "bonds.json"), text);
    const store = await open();
    expect(store.all()).toEqual([]);
    expect(damage).toHaveLength(1);
    await store.put(bond(1));
    expect(await readFile(path.join(folder, "bonds.json.damaged"), "utf8")).toBe(text);
  },
);

it("says that it cannot write, and is usable again when it can", async () => {
  const store = await open();
  await rm(folder, { recursive: true });
  await expect(store.put(bond(1))).rejects.toThrow(HubError);
  folder = await mkdtemp(path.join(tmpdir(), "hemhub-bonds-"));
});

it("forgets the oldest of more than 64 bonds", async () => {
  const store = await open();
  for (let i = 0; i < 66; i++) await store.put(bond(i));
  expect(store.all()).toHaveLength(64);
  expect(store.get(bond(1).identity.address)).toBeNull();
  expect(store.get(bond(65).identity.address)).not.toBeNull();
});

it("resolves a private address with the key that made it, and no other", () => {
  // Core specification Vol 3 Part H, Appendix D.7: prand 708194, hash 0dfbaa.
  const irk = Buffer.from("ec0234a357c8ad05341010a60a397d9b", "hex").reverse().toString("hex");
  expect(resolves(irk, "70:81:94:0d:fb:aa")).toBe(true);
  expect(resolves(irk, "70:81:94:0d:fb:ab")).toBe(false);
  expect(resolves("00".repeat(16), "70:81:94:0d:fb:aa")).toBe(false);
  expect(resolves(irk, "c0:81:94:0d:fb:aa")).toBe(false);
  expect(resolves(irk, "nonsense")).toBe(false);
});
