import { reversed } from "./little-endian.ts";

export type AddressType = "public" | "random";

/** A device address: six octets as lower-case text with colons, most significant first. */
export interface RadioAddress {
  readonly address: string;
  readonly type: AddressType;
}

const TEXT = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Throws RangeError for anything but `aa:bb:cc:dd:ee:ff`. */
export const radioAddress = (address: string, type: AddressType = "public"): RadioAddress => {
  const lower = address.toLowerCase();
  if (!TEXT.test(lower)) throw new RangeError(`radio address ${address}: write six octets as aa:bb:cc:dd:ee:ff`);
  return { address: lower, type };
};

/** As on the air: least significant octet first. */
export const addressOctets = ({ address }: RadioAddress): Uint8Array =>
  reversed(Buffer.from(address.replaceAll(":", ""), "hex"));

export const addressTypeOctet = ({ type }: RadioAddress): number => (type === "random" ? 1 : 0);

/** From the two fields of an HCI command. */
export const addressFrom = (typeOctet: number, octets: Uint8Array): RadioAddress => ({
  address: [...reversed(octets)].map((octet) => octet.toString(16).padStart(2, "0")).join(":"),
  type: (typeOctet & 1) === 1 ? "random" : "public",
});

export const sameAddress = (a: RadioAddress, b: RadioAddress): boolean => a.address === b.address && a.type === b.type;
