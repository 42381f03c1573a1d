/** Something that must not be found on a stolen card: text, or a number. */
export interface Secret {
  readonly what: string;
  readonly value: string | number;
}

interface Trace {
  readonly secret: Secret;
  /** Which way of writing it was found. */
  readonly form: string;
  readonly bytes: Buffer;
}

/** Base64 of the bytes wherever they begin in a longer text: without the characters that their neighbours decide. */
const base64Forms = (bytes: Buffer): readonly Buffer[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const first = before === 0 ? 0 : before + 1;
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return Buffer.from(text.slice(first, whole), "latin1");
  });

const textForms = (secret: Secret, text: string): readonly Trace[] => {
  const bytes = Buffer.from(text, "utf8");
  const hex = bytes.toString("hex");
  const forms: readonly (readonly [string, Buffer])[] = [
    ["text", bytes],
    ["utf16le", Buffer.from(text, "utf16le")],
    ["utf16be", Buffer.from(text, "utf16le").swap16()],
    ["hex", Buffer.from(hex)],
    ["HEX", Buffer.from(hex.toUpperCase())],
    ...base64Forms(bytes).map((form) => ["base64", form] as const),
  ];
  return forms.map(([form, found]) => ({ secret, form, bytes: found }));
};

/** A number as JSON has it, and as machines keep it. */
const numberForms = (secret: Secret, value: number): readonly Trace[] => {
  const machine = Buffer.alloc(8);
  machine.writeDoubleLE(value);
  const reversed = Buffer.from(machine).reverse();
  return [
    ...textForms(secret, String(value)),
    { secret, form: "double", bytes: machine },
    { secret, form: "double, big-endian", bytes: reversed },
  ];
};

/** Bytes that are kept as hex digits: also as they are. */
const hexForms = (secret: Secret, text: string): readonly Trace[] =>
  /^([0-9a-f]{2}){6,}$/.test(text) ? [{ secret, form: "bytes", bytes: Buffer.from(text, "hex") }] : [];

/** A shorter trace would be found in any image of some megabytes by chance: 5 bytes once in 100 000 images of 10 MB. */
const SHORTEST = 5;

const tracesOf = (secret: Secret): readonly Trace[] => {
  const { value } = secret;
  const forms =
    typeof value === "number" ? numberForms(secret, value) : [...textForms(secret, value), ...hexForms(secret, value)];
  return forms.filter(({ bytes }) => bytes.length >= SHORTEST);
};

/** Traces by their first two bytes, so that an image is gone through once, however many there are. */
const byBeginning = (traces: readonly Trace[]): readonly (readonly Trace[] | undefined)[] => {
  const table: (Trace[] | undefined)[] = new Array(0x10000).fill(undefined);
  for (const trace of traces) {
    const key = trace.bytes.readUInt16BE(0);
    table[key] = [...(table[key] ?? []), trace];
  }
  return table;
};

const sentenceOf = (image: Buffer, at: number, { secret, form, bytes }: Trace, where: string): string => {
  const around = image.subarray(Math.max(0, at - 60), at + bytes.length + 20).toString("latin1");
  return `${where}: ${secret.what} as ${form} at ${at}: ${around.replaceAll(/[^\x20-\x7e]+/g, ".")}`;
};

/** Where the secrets are found in an image, each form once, as sentences with what stands around them. */
export const plaintextIn = (image: Buffer, secrets: readonly Secret[], where: string): readonly string[] => {
  const table = byBeginning(secrets.flatMap(tracesOf));
  const found = new Map<Trace, string>();
  let key = image[0] ?? 0;
  for (let at = 0; at + 1 < image.length; at += 1) {
    key = ((key << 8) | (image[at + 1] ?? 0)) & 0xffff;
    for (const trace of table[key] ?? []) {
      const end = at + trace.bytes.length;
      if (found.has(trace) || end > image.length || image.compare(trace.bytes, 0, trace.bytes.length, at, end) !== 0)
        continue;
      found.set(trace, sentenceOf(image, at, trace, where));
    }
  }
  return [...found.values()];
};
