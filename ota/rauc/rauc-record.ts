import { createHash } from "node:crypto";
import type { UpdateFiles } from "../files/update-files.ts";
import type { ImageHash } from "../slots/slots.ts";
import type { Reason } from "../update/update-state.ts";
import type { Written } from "./rauc-slots.ts";

const SCHEMA = "rauc/1";

/** What a slot held when a bundle had been installed. */
export interface SlotContent extends Written {
  readonly slot: string;
  /** Read back after the installation it was the image, octet by octet: it can be checked again. */
  readonly isReadable: boolean;
}

/** Which bundle lies in a bootable slot, and in those that go with it. RAUC knows of images only. */
export interface InstalledBundle {
  readonly image: ImageHash;
  /** Its trial is over. */
  readonly isGood: boolean;
  readonly content: readonly SlotContent[];
}

/** An activated bundle that is not good yet. */
export interface BundleTrial {
  readonly image: ImageHash;
  readonly slot: string;
  /** Run of the machine in which it was activated: only a later one can try it. */
  readonly since: string;
  /** Runs that have tried it. */
  readonly starts: number;
  /** The last of them; null before the first. */
  readonly last: string | null;
}

export interface RaucRecord {
  /** By name of the bootable slot. */
  readonly bundles: Readonly<Record<string, InstalledBundle>>;
  readonly trial: BundleTrial | null;
  readonly lastFailed: { readonly image: ImageHash; readonly why: Reason } | null;
  /** Slot whose bundle was marked good last; null where none ever was. */
  readonly inForce: string | null;
}

export const NOTHING_INSTALLED: RaucRecord = { bundles: {}, trial: null, lastFailed: null, inForce: null };

export interface RecordFile {
  /** Nothing, and `damaged`, where the file makes no sense. */
  load(): Promise<{ readonly record: RaucRecord; readonly damaged: boolean }>;
  /** Durable when it resolves. */
  save(record: RaucRecord): Promise<void>;
}

const checkOf = (record: RaucRecord): string =>
  createHash("sha256")
    .update(`${SCHEMA}\n${JSON.stringify(record)}`)
    .digest("hex");

/** Null where it is not exactly what `save` wrote. */
const parse = (bytes: Uint8Array): RaucRecord | null => {
  try {
    const { schema, record, check } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return schema === SCHEMA && check === checkOf(record) ? (record as RaucRecord) : null;
  } catch {
    return null;
  }
};

export const createRecordFile = (files: UpdateFiles, file: string): RecordFile => ({
  load: async () => {
    const bytes = await files.read(file);
    const record = bytes === null ? NOTHING_INSTALLED : parse(bytes);
    return { record: record ?? NOTHING_INSTALLED, damaged: record === null };
  },
  save: (record) =>
    files.replace(file, Buffer.from(`${JSON.stringify({ schema: SCHEMA, record, check: checkOf(record) })}\n`)),
});

export const withBundle = (record: RaucRecord, slot: string, bundle: InstalledBundle): RaucRecord => ({
  ...record,
  bundles: { ...record.bundles, [slot]: bundle },
});

/** Before a slot is overwritten: nothing that lay in it lies there any more. `booted` is what runs then. */
export const withoutBundle = (record: RaucRecord, slot: string, booted: string): RaucRecord => ({
  ...record,
  bundles: Object.fromEntries(Object.entries(record.bundles).filter(([name]) => name !== slot)),
  trial: record.trial?.slot === slot ? null : record.trial,
  inForce: record.inForce === slot ? booted : record.inForce,
});

/** Bootable slot that an image was installed to; null where it was to none. */
export const slotOfImage = ({ bundles }: RaucRecord, image: ImageHash): string | null =>
  Object.entries(bundles).find(([, bundle]) => bundle.image === image)?.[0] ?? null;
