/** The 96 bits that every UUID assigned by the Bluetooth SIG shares (Core Vol 3 Part B 2.5.1). */
const BASE = "00001000800000805f9b34fb";

/**
 * Text of a UUID as sent, little-endian: four hex digits where it is one the SIG assigned (in 2 or 16 bytes), else 32.
 */
export const uuidFromBytes = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes).reverse().toString("hex");
  return text.length === 32 && text.startsWith("0000") && text.endsWith(BASE) ? text.slice(4, 8) : text;
};
