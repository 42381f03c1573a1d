import { expect, it } from "vitest";
import { resolvableAddress } from "../../../hardware-sim/radio/resolvable-address.ts";
import { createChance } from "../../../hardware-sim/radio/seeded.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { createAddressResolver, RESOLVED_LIMIT } from "./address-resolver.ts";
import type { Bond } from "./bond.ts";
import type { BondStore } from "./bond-store.ts";

const chance = createChance(3);
const KEY = chance.bytes(16);
const IDENTITY = "c0:26:da:00:00:02";

const bondWith = (key: Uint8Array, address: string): Bond => ({
  ltk: "00112233445566778899aabbccddeeff",
  ediv: 0,
  rand: "0000000000000000",
  irk: toHex(key.toReversed()),
  identity: { address, type: "public" },
  secureConnections: true,
  association: "just-works",
  authenticated: false,
  pairedAt: null,
});

const memoryStore = (): BondStore & { readonly bonds: Map<string, Bond> } => {
  const bonds = new Map<string, Bond>();
  let revision = 0;
  return {
    bonds,
    get: (address) => bonds.get(address) ?? null,
    all: () => [...bonds.values()],
    get revision() {
      return revision;
    },
    put: async (bond) => {
      revision += 1;
      bonds.set(bond.identity.address, bond);
    },
    remove: async (address) => {
      revision += 1;
      bonds.delete(address);
    },
  };
};

it("knows a sensor behind each of its private addresses, and tries each address once", async () => {
  const store = memoryStore();
  await store.put(bondWith(KEY, IDENTITY));
  const resolver = createAddressResolver(store);
  for (let round = 0; round < 20; round++) {
    const { address } = resolvableAddress(KEY, chance);
    for (let heard = 0; heard < 100; heard++) expect(resolver.identityOf(address)).toBe(IDENTITY);
  }
  expect(resolver.tried).toBe(20);
});

it("tries no address against a key that cannot be a resolvable one", () => {
  const resolver = createAddressResolver(memoryStore());
  for (const address of ["c0:26:da:00:00:01", "00:1b:dc:07:32:10", "80:00:00:00:00:01"]) {
    expect(resolver.identityOf(address)).toBe(address);
  }
  expect(resolver.tried).toBe(0);
});

it("remembers a bounded number of strangers in a block of flats, and still finds its own sensor", async () => {
  const store = memoryStore();
  await store.put(bondWith(KEY, IDENTITY));
  const resolver = createAddressResolver(store);
  for (let stranger = 0; stranger < 5000; stranger++) {
    const { address } = resolvableAddress(chance.bytes(16), chance);
    expect(resolver.identityOf(address)).toBe(address);
  }
  expect(resolver.remembered).toBe(RESOLVED_LIMIT);
  expect(resolver.identityOf(resolvableAddress(KEY, chance).address)).toBe(IDENTITY);
});

it("looks again when a bond has come, and forgets when it has gone", async () => {
  const store = memoryStore();
  const resolver = createAddressResolver(store);
  const { address } = resolvableAddress(KEY, chance);
  expect(resolver.identityOf(address)).toBe(address);
  await store.put(bondWith(KEY, IDENTITY));
  expect(resolver.identityOf(address)).toBe(IDENTITY);
  await store.remove(IDENTITY);
  expect(resolver.identityOf(address)).toBe(address);
});
