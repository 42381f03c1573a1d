import { nameOfMdc } from "../../protocol/codes.ts";
import type { DraftReading, ReadingValue } from "../../protocol/reading.ts";
import type { Capture, ExpectedReading, ExpectedValue } from "./capture.ts";
import type { Difference } from "./difference.ts";
import { endText, type Replay } from "./replay.ts";

type Compare = (what: string, expected: unknown, found: unknown) => void;

const nameOf = (mdc: number): string => nameOfMdc(mdc) ?? String(mdc);

/** `MDC_MASS_BODY_ACTUAL 82.70 kg`. */
export const valueText = (value: ReadingValue): string => {
  const shown =
    value.value === null ? `absent (${value.absent})` : `${value.value.toFixed(value.decimals)} ${value.unit}`;
  return `${value.name} ${shown}`;
};

const expectedText = ({ mdc, value, decimals, unit, absent }: ExpectedValue): string => {
  const shown = absent === undefined ? (value?.toFixed(decimals) ?? "any number") : `absent (${absent})`;
  return [nameOf(mdc), shown, unit ?? ""].join(" ").trimEnd();
};

/** Texts, numbers and lists of them, in one notation for both sides. */
const plain = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(plain).join(", ")}]`;
  return value === undefined ? "none" : String(value);
};

const fits = (expected: ExpectedValue, found: ReadingValue): boolean => {
  const { mdc, value, decimals, unit, absent } = expected;
  if (mdc !== found.mdc) return false;
  if (found.value === null) return value === undefined && decimals === undefined && absent === found.absent;
  return (
    absent === undefined &&
    (value === undefined || value === found.value) &&
    (decimals === undefined || decimals === found.decimals) &&
    (unit === undefined || unit === found.unit)
  );
};

/** Every value found is expected, and every one expected is found, each once. */
const compareValues = (
  where: string,
  expected: readonly ExpectedValue[],
  found: readonly ReadingValue[],
  differ: Compare,
): void => {
  const left = [...found];
  for (const one of expected) {
    const exact = left.findIndex((candidate) => fits(one, candidate));
    const at = exact >= 0 ? exact : left.findIndex((candidate) => candidate.mdc === one.mdc);
    const [candidate] = at < 0 ? [] : left.splice(at, 1);
    if (exact < 0)
      differ(`${where}.values`, expectedText(one), candidate === undefined ? "none" : valueText(candidate));
  }
  for (const one of left) differ(`${where}.values`, "no such value", valueText(one));
};

const sorted = (words: readonly string[]): readonly string[] => words.toSorted();

const compareReading = (where: string, expected: ExpectedReading, found: DraftReading, differ: Compare): void => {
  const same = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted !== undefined && plain(wanted) !== plain(got)) differ(`${where}.${what}`, plain(wanted), plain(got));
  };
  same("kind", expected.kind, found.kind);
  same("status", expected.status, found.status);
  if (expected.values !== undefined) compareValues(where, expected.values, found.values, differ);
  same("supplemental", expected.supplemental, found.supplemental);
  same("flags", expected.flags && sorted(expected.flags), sorted(found.flags));
  same("quality", expected.quality && sorted(expected.quality), sorted(found.quality));
  for (const [key, wanted] of Object.entries(expected.context ?? {}))
    same(`context.${key}`, wanted, found.context[key]);
  const { time } = expected;
  const instant = (what: "start" | "end"): void => {
    const [wanted, got] = [time?.[what], found.time[what]];
    const isNear =
      typeof wanted === "string" &&
      got !== null &&
      Math.abs(Date.parse(wanted) - Date.parse(got)) <= (time?.withinMs ?? 0);
    if (!isNear) same(`time.${what}`, wanted, got);
  };
  instant("start");
  instant("end");
  same("time.basis", time?.basis, found.time.basis);
  same("time.device", time?.device, found.time.deviceRaw?.text ?? null);
  same("time.faults", time?.faults && sorted(time.faults), sorted(found.time.faults));
  const device: Readonly<Record<string, unknown>> = { ...found.device };
  for (const [key, wanted] of Object.entries(expected.device ?? {})) same(`device.${key}`, wanted, device[key]);
  same("source", expected.source, found.provenance.source);
};

/** What `hemhub driver test` shows of one reading. */
export const readingText = (reading: DraftReading): string =>
  `${reading.kind}: ${reading.values.map(valueText).join(", ") || "no values"}`;

/** Everything in which a replay is not what the capture expects, in the order of the file. Empty: it passed. */
export const compareReplay = (capture: Capture, replayed: Replay): readonly Difference[] => {
  const { expect } = capture;
  const found: Difference[] = [...replayed.differences];
  const differAt =
    (line: number): Compare =>
    (what, expected, got) => {
      found.push({ line, what, expected: plain(expected), found: plain(got) });
    };
  const differ = differAt(expect.line);
  expect.readings.forEach((one, index) => {
    const taken = replayed.taken[index];
    const where = `readings[${index}]`;
    if (taken === undefined) differAt(one.line)(where, `a ${one.kind ?? "reading"}`, "none");
    else compareReading(where, one, taken.reading, differAt(one.line));
  });
  for (const [index, { reading }] of replayed.taken.entries()) {
    if (index >= expect.readings.length) differ(`readings[${index}]`, "no further reading", readingText(reading));
  }
  expect.unreadable.forEach((one, index) => {
    const kept = replayed.unreadable[index];
    const isIt =
      kept?.reason.startsWith(one.reason) === true && (one.channel === undefined || one.channel === kept.channel);
    const wanted = `${one.reason}${one.channel === undefined ? "" : ` on ${one.channel}`}`;
    if (!isIt)
      differAt(one.line)(
        `unreadable[${index}]`,
        wanted,
        kept === undefined ? "none" : `${kept.reason} on ${kept.channel}`,
      );
  });
  for (const [index, one] of replayed.unreadable.entries()) {
    if (index < expect.unreadable.length) continue;
    differ(`unreadable[${index}]`, "nothing unreadable", `${one.reason} on ${one.channel} (${one.rawHex})`);
  }
  if (expect.reports !== null && plain(expect.reports) !== plain(replayed.reports)) {
    differ("reports", expect.reports, replayed.reports);
  }
  for (const [key, wanted] of Object.entries(expect.memory ?? {})) {
    if (replayed.memory[key] !== wanted) differ(`memory.${key}`, wanted, replayed.memory[key]);
  }
  for (const rule of replayed.invalid) differ("readings", "a reading of reading-1.schema.json", rule);
  if (replayed.early > 0) {
    differ("confirmation", "after the reading is durable", `${replayed.early} confirmed before that`);
  }
  const end = endText(replayed);
  const isWrongEnd = expect.end === null ? replayed.end === "failed" || replayed.end === "stuck" : expect.end !== end;
  if (isWrongEnd) differ("end", expect.end ?? "an orderly end", end);
  return found.toSorted((a, b) => a.line - b.line);
};
