import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooShort, u8 } from "./field.ts";
import { decimal, type MedicalFloat } from "./float.ts";
import { lineText } from "./line-text.ts";

/**
 * A measurement of a Tanita body composition scale: `{0,16,~0,1,...,CS,FD` CR LF, key and value in turn, separated by
 * commas (SC-240 manual, page 24; SC-330 manual, page 47). Values that the scale did not send are null. In pound mode
 * only the weight is read: the manuals do not say in which unit the other masses are.
 */
export interface TanitaRecord {
  readonly model: string | null;
  readonly serial: string | null;
  readonly massUnit: "kg" | "[lb_av]";
  readonly weight: MedicalFloat;
  readonly heightCm: MedicalFloat | null;
  /** Clothes, already taken off the weight. */
  readonly presetTare: MedicalFloat | null;
  readonly bodyFatPercent: MedicalFloat | null;
  readonly fatMassKg: MedicalFloat | null;
  readonly fatFreeMassKg: MedicalFloat | null;
  readonly muscleMassKg: MedicalFloat | null;
  readonly boneMassKg: MedicalFloat | null;
  readonly bodyWaterKg: MedicalFloat | null;
  readonly bodyWaterPercent: MedicalFloat | null;
  /** kg/m2. */
  readonly bmi: MedicalFloat | null;
  readonly visceralFatRating: MedicalFloat | null;
  readonly basalMetabolismKJ: MedicalFloat | null;
  readonly basalMetabolismKcal: MedicalFloat | null;
  readonly metabolicAge: MedicalFloat | null;
  /** At 50 kHz. */
  readonly impedanceOhm: MedicalFloat | null;
}

const NUMBER = /^-?\d{1,6}(?:\.(\d{1,3}))?$/;

const numberOf = (text: string | undefined): MedicalFloat | null => {
  const match = text === undefined ? null : NUMBER.exec(text.trim());
  if (match === null) return null;
  return decimal(Number(match[0].replace(".", "")), match[1]?.length ?? 0);
};

const textOf = (text: string | undefined): string | null => text?.replaceAll('"', "").trim() ?? null;

/**
 * CS is the low byte of the sum of all octets before the letters CS. The manuals do not say so; it is inferred from the
 * one printed sample (SC-240 manual, page 24) and holds there.
 */
const sumBefore = (bytes: Uint8Array, end: number): number => {
  let sum = 0;
  for (let at = 0; at < end; at++) sum += u8(bytes, at);
  return sum & 0xff;
};

export const decodeTanita = (bytes: Uint8Array): Decoded<TanitaRecord> => {
  const line = lineText("Tanita line", bytes);
  if (line.tag === "malformed") return line;
  const text = line.record;
  if (!text.startsWith("{0,")) return malformed("sync", "Tanita line: does not start with {0,");
  const checkAt = text.lastIndexOf(",CS,");
  if (checkAt < 0 || text.length < checkAt + 6)
    return tooShort("Tanita line with its checksum", checkAt + 6, text.length);
  const check = text.slice(checkAt + 4);
  if (!/^[0-9A-Fa-f]{2}$/.test(check))
    return malformed("format", "Tanita line: checksum is not two hex digits at the end");
  if (sumBefore(bytes, checkAt + 1) !== Number.parseInt(check, 16)) {
    return malformed("checksum", "Tanita line: CS is not the sum of the octets before it");
  }

  const parts = text.slice(1, checkAt).split(",");
  const items = new Map<string, string>();
  for (let at = 0; at + 1 < parts.length; at += 2) items.set(parts[at] ?? "", parts[at + 1] ?? "");
  const metric = items.has("Wk");
  const weight = numberOf(items.get(metric ? "Wk" : "Wp"));
  if (weight === null) return malformed("format", "Tanita line: no body weight in it (Wk or Wp)");
  const metricOf = (key: string): MedicalFloat | null => (metric ? numberOf(items.get(key)) : null);
  return decoded({
    model: textOf(items.get("MO")),
    serial: textOf(items.get("SN")),
    massUnit: metric ? "kg" : "[lb_av]",
    weight,
    heightCm: numberOf(items.get("Hm")),
    presetTare: metricOf("Pt"),
    bodyFatPercent: numberOf(items.get("FW")),
    fatMassKg: metricOf("fW"),
    fatFreeMassKg: metricOf("MW"),
    muscleMassKg: metricOf("mW"),
    boneMassKg: metricOf("bW"),
    bodyWaterKg: metricOf("wW"),
    bodyWaterPercent: numberOf(items.get("ww")),
    bmi: numberOf(items.get("MI")),
    visceralFatRating: numberOf(items.get("IF")),
    basalMetabolismKJ: numberOf(items.get("rb")),
    basalMetabolismKcal: numberOf(items.get("rB")),
    metabolicAge: numberOf(items.get("rA")),
    impedanceOhm: numberOf(items.get("ZF")),
  });
};
