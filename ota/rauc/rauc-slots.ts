import { HubError } from "../../protocol/errors.ts";

/** A slot as RAUC describes it: a partition, or another place that an image of a bundle goes to. */
export interface RaucSlot {
  /** Such as `rootfs.0`. */
  readonly name: string;
  readonly class: string;
  readonly device: string;
  readonly isBooted: boolean;
  /** By which the boot loader knows it; null where it cannot be started by itself. */
  readonly bootname: string | null;
  /** Name of the slot that it goes with; null for one that stands for itself. */
  readonly parent: string | null;
  /** What RAUC wrote there last; null where it never did. Stays as it was while a further installation fails. */
  readonly written: Written | null;
}

export interface Written {
  /** Of the image, lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  /** How often RAUC has installed to the slot. */
  readonly count: number;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

const writtenOf = (status: Readonly<Record<string, unknown>>): Written | null => {
  const sha256 = textOf(status.sha256);
  const [size, count] = [Number(status.size), Number(status["installed.count"])];
  return sha256 === null || !Number.isSafeInteger(size) || !Number.isSafeInteger(count)
    ? null
    : { sha256, size, count };
};

/** The answer to `GetSlotStatus`, of type a(sa{sv}). What cannot be read as a slot is none. */
export const slotsOf = (answer: unknown): readonly RaucSlot[] =>
  (Array.isArray(answer) ? (answer as unknown[]) : []).flatMap((entry) => {
    const [name, status] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof name !== "string" || !isRecord(status)) return [];
    const slot: RaucSlot = {
      name,
      class: textOf(status.class) ?? "",
      device: textOf(status.device) ?? "",
      isBooted: status.state === "booted",
      bootname: textOf(status.bootname),
      parent: textOf(status.parent),
      written: writtenOf(status),
    };
    return [slot];
  });

/** The slot that runs, and the one that is installed to. */
export interface SlotPair {
  readonly booted: RaucSlot;
  readonly other: RaucSlot;
}

const misfit = (found: string): HubError =>
  new HubError("update-unfit", `update: RAUC ${found}; see docs/updates.md for its system.conf`);

/** Throws `update-unfit` where RAUC is not set up as a pair: it alone would choose then what it overwrites. */
export const pairOf = (slots: readonly RaucSlot[]): SlotPair => {
  const booted = slots.find(({ isBooted }) => isBooted);
  if (booted === undefined) throw misfit("does not know which slot this machine was started from");
  const others = slots.filter(
    (slot) => slot !== booted && slot.class === booted.class && slot.bootname !== null && slot.parent === null,
  );
  const [other] = others;
  if (other === undefined || others.length > 1) {
    throw misfit(`has ${others.length} bootable slots besides ${booted.name}, and it takes exactly one`);
  }
  return { booted, other };
};

/** A bootable slot and those that go with it. */
export const groupOf = (slots: readonly RaucSlot[], name: string): readonly RaucSlot[] =>
  slots.filter((slot) => slot.name === name || slot.parent === name);
