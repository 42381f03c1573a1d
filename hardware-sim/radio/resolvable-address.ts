import { type RadioAddress, radioAddress } from "./address.ts";
import { octets } from "./little-endian.ts";
import type { Chance } from "./seeded.ts";
import { ah } from "./smp/smp-functions.ts";

/**
 * A resolvable private address (Core Vol 6 Part B 1.3.2.2): 22 random bits under 0b01, and the hash of them under the
 * identity resolving key, which is most significant octet first here.
 */
export const resolvableAddress = (irk: Uint8Array, chance: Chance): RadioAddress => {
  const [first = 0, second = 0, third = 0] = chance.bytes(3);
  const prand = octets((first & 0x3f) | 0x40, second, third);
  const hex = Buffer.from(octets(prand, ah(irk, prand))).toString("hex");
  return radioAddress(hex.match(/../g)?.join(":") ?? "", "random");
};
