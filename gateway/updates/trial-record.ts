import type { SerialPortRef } from "../../drivers/serial/serial-port-ref.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import { type Millis, millis } from "../../protocol/time.ts";

/** Something that a sensor is read through, and that was open. */
export interface OpenTransport {
  /** `radio`, or `sensor <id>` for its serial port. */
  readonly name: string;
  /** Where the machine shows that it is there, whoever uses it; null: nowhere. */
  readonly port: SerialPortRef | null;
}

/** What the release before could do, right before it gave way: a new one is asked for no more than that. */
export interface Before {
  readonly isOnline: boolean;
  /** The broker brought its own message back: its rules allow that. */
  readonly isEchoed: boolean;
  /** The region took what waited, or nothing did. */
  readonly isDrained: boolean;
  readonly transports: readonly OpenTransport[];
  /** Where it had its link; null: it had none. */
  readonly broker: { readonly host: string; readonly port: number } | null;
}

/**
 * What a trial has to know over its starts. The times are sums of what each start has measured on its monotonic clock, so
 * that neither a wrong date nor hours without power count.
 */
export interface TrialRecord {
  readonly image: ImageHash;
  readonly before: Before;
  /** In which it could have proved itself. */
  readonly judged: Millis;
  /** In which the network was gone, and nothing else was wrong. */
  readonly excused: Millis;
}

/** Where the release before leaves a word for the one after it. */
export interface TrialFile {
  /** Null where nothing is known of a trial of this image. Rejects never: what cannot be read is not known. */
  load(image: ImageHash): Promise<TrialRecord | null>;
  /** Durable when it resolves. */
  save(record: TrialRecord): Promise<void>;
}

const SCHEMA = "trial/1";

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const isAmount = (value: unknown): value is number => typeof value === "number" && value >= 0 && Number.isFinite(value);

const portOf = (value: unknown): SerialPortRef | null => {
  if (!isObject(value)) return null;
  const { tag, path, vendor, product, serialNumber } = value;
  if (tag === "path" && typeof path === "string") return { tag, path };
  if (tag !== "usb" || typeof vendor !== "string" || typeof product !== "string") return null;
  return { tag, vendor, product, serialNumber: typeof serialNumber === "string" ? serialNumber : null };
};

const brokerOf = (value: unknown): Before["broker"] => {
  if (!isObject(value)) return null;
  const { host, port } = value;
  return typeof host === "string" && typeof port === "number" ? { host, port } : null;
};

/** Null where it is none. Read field by field: another release wrote it. */
const parse = (bytes: Uint8Array): TrialRecord | null => {
  let found: unknown;
  try {
    found = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
  if (!isObject(found) || found.schema !== SCHEMA || typeof found.image !== "string") return null;
  const { before, judged, excused } = found;
  if (!isObject(before) || !isAmount(judged) || !isAmount(excused) || !Array.isArray(before.transports)) return null;
  const transports = (before.transports as readonly unknown[]).flatMap((one): OpenTransport[] =>
    isObject(one) && typeof one.name === "string" ? [{ name: one.name, port: portOf(one.port) }] : [],
  );
  return {
    image: found.image as ImageHash,
    before: {
      isOnline: before.isOnline === true,
      isEchoed: before.isEchoed === true,
      isDrained: before.isDrained === true,
      transports,
      broker: brokerOf(before.broker),
    },
    judged: millis(judged),
    excused: millis(excused),
  };
};

export const createTrialFile = (files: Pick<UpdateFiles, "read" | "replace">, file: string): TrialFile => ({
  load: async (image) => {
    const bytes = await files.read(file).catch(() => null);
    const record = bytes === null ? null : parse(bytes);
    return record?.image === image ? record : null;
  },
  save: (record) => files.replace(file, Buffer.from(`${JSON.stringify({ schema: SCHEMA, ...record })}\n`)),
});
