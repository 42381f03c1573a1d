/** Frames of one kind that differ as a home's do: another value and another minute each. Same for every run. */
export interface FrameSeries {
  /** What the table calls it. */
  readonly name: string;
  readonly driver: string;
  readonly channel: string;
  readonly transport: "ble" | "serial";
  frame(index: number): Uint8Array;
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const put16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >> 8) & 0xff;
};

/** Date Time of a minute in the 14 days from 1 June 2026, where `at` is the first of its seven octets. */
const putStamp = (bytes: Uint8Array, at: number, index: number): void => {
  put16(bytes, at, 2026);
  bytes[at + 2] = 6;
  bytes[at + 3] = 1 + ((index >> 6) % 14);
  bytes[at + 4] = index % 24;
  bytes[at + 5] = index % 60;
  bytes[at + 6] = (index * 7) % 60;
};

const bcd = (value: number): number => Math.floor(value / 10) * 16 + (value % 10);

const series = (
  name: string,
  driver: string,
  channel: string,
  template: string,
  vary: (bytes: Uint8Array, index: number) => void,
): FrameSeries => ({
  name,
  driver,
  channel,
  transport: channel === "serial" ? "serial" : "ble",
  frame: (index) => {
    const bytes = hex(template);
    vary(bytes, index);
    return bytes;
  },
});

/** Stamped measurements of the five kinds that the service prescribes, and what comes over cables. */
export const FRAME_SERIES: readonly FrameSeries[] = [
  series(
    "blood pressure 2A35",
    "gatt-blood-pressure",
    "2a35",
    "1e 7c00 5600 6100 ea0706010a0f1b 3300 01 0400",
    (bytes, index) => {
      put16(bytes, 1, 100 + (index % 80));
      put16(bytes, 3, 60 + (index % 40));
      put16(bytes, 5, 75 + (index % 50));
      putStamp(bytes, 7, index);
      put16(bytes, 14, 50 + (index % 70));
    },
  ),
  series("weight 2A9D", "gatt-weight-scale", "2a9d", "0e 983a ea0706010a0f1b 01 f500 9a06", (bytes, index) => {
    put16(bytes, 1, 12_000 + (index % 9000));
    putStamp(bytes, 3, index);
  }),
  series("temperature 2A1C", "gatt-thermometer", "2a1c", "06 6e0100ff ea0706010a0f1b 02", (bytes, index) => {
    put16(bytes, 1, 355 + (index % 50));
    putStamp(bytes, 5, index);
  }),
  series("oximeter 2A5E", "gatt-pulse-oximeter", "2a5e", "03 6100 4800 ea0706010a0f1b 2001", (bytes, index) => {
    put16(bytes, 1, 88 + (index % 12));
    put16(bytes, 3, 50 + (index % 70));
    putStamp(bytes, 5, index);
  }),
  series("glucose 2A18", "gatt-glucose", "2a18", "0b 0100 ea0706010a0f1b 0000 78b0 11 0000", (bytes, index) => {
    put16(bytes, 1, index & 0xffff);
    putStamp(bytes, 3, index);
    put16(bytes, 12, 0xb000 | (60 + (index % 200)));
  }),
  series(
    "Nonin format 13",
    "nonin-13",
    "serial",
    "00 02 00 0d 00 0e 20 26 06 01 10 15 27 00 02 00 00 48 00 61 00 03",
    (bytes, index) => {
      bytes[9] = bcd(1 + ((index >> 6) % 14));
      bytes[10] = bcd(index % 24);
      bytes[11] = bcd(index % 60);
      bytes[12] = bcd((index * 7) % 60);
      bytes[17] = 50 + (index % 70);
      bytes[19] = 88 + (index % 12);
      bytes[20] = bytes.subarray(6, 20).reduce((sum, octet) => sum + octet, 0) & 0xff;
    },
  ),
  series("A&D scale line", "and-scale", "serial", "53542c2b30303037392e3635206b670d0a", (bytes, index) => {
    bytes[7] = 0x30 + (index % 10);
    bytes[8] = 0x30 + ((index >> 3) % 10);
    bytes[10] = 0x30 + ((index >> 5) % 10);
  }),
];
