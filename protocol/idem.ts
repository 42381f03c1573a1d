import { hash } from "node:crypto";
import type { AssignmentId, Idem, ReadingId } from "./ids.ts";
import { createOctetText } from "./octet-text.ts";
import type { ReadingQuestionnaire, ReadingValue } from "./reading.ts";
import { URL_NAMESPACE, uuidNamespace, uuidV5 } from "./uuid.ts";

/**
 * What makes two transmissions the same measurement (design protocol.md, rule on idem). `when` is the sensor's raw
 * time, or for a sensor without a clock the hub's boot id and a counter that is fixed before the reading is stored.
 * Corrected time is never part of it: the same stored record read twice must stay one reading.
 */
export interface IdemParts {
  readonly assignment: AssignmentId;
  /**
   * The enrolled identity of the sensor: what the hub knows before the sensor has told anything, and what stays the same
   * when it tells less the next time (docs/decisions/2026-11-22-idem.md). `ble:<identity address>` or `serial:<sensor>`. Of a
   * manual reading `entry:<entry id>`: a form that is submitted again is one reading.
   */
  readonly device: string;
  readonly values: readonly ReadingValue[];
  readonly supplemental: readonly number[];
  readonly when: { readonly deviceRaw: string } | { readonly bootId: string; readonly counter: number };
  readonly durationMs: number | null;
  readonly deviceSequence: number | null;
  /** Its answers count, in any order; its language does not. */
  readonly questionnaire?: ReadingQuestionnaire;
}

/** Namespace of reading ids: the UUID of the name `hemhub.reading.1` in the URL namespace. */
const NAMESPACE = uuidNamespace(uuidV5(URL_NAMESPACE, "hemhub.reading.1"));

const [NEW_LINE, DASH, SEMICOLON, EQUALS] = [10, 45, 59, 61];

/** Filled and hashed within one call, so nothing is shared. */
const SCRATCH = createOctetText();

const putValue = (value: ReadingValue): void => {
  SCRATCH.whole(value.mdc);
  SCRATCH.sign(EQUALS);
  if (value.value === null) {
    SCRATCH.text(value.absent);
    return;
  }
  // A whole number without decimals is its own text, and far cheaper.
  if (value.decimals <= 0 && Number.isSafeInteger(value.value)) SCRATCH.whole(value.value);
  else SCRATCH.text(value.value.toFixed(Math.min(Math.max(value.decimals, 0), 20)));
  SCRATCH.text(value.unit);
};

const valueText = (value: ReadingValue): string => {
  SCRATCH.clear();
  putValue(value);
  return new TextDecoder().decode(SCRATCH.bytes());
};

const SIX_DIGITS = 100_000;
const SEVEN_DIGITS = 1_000_000;
const hasSixDigits = ({ mdc }: ReadingValue): boolean => mdc >= SIX_DIGITS && mdc < SEVEN_DIGITS;

/** Whether the canonical text of `a` comes after that of `b`, by UTF-16 code units. */
const comesAfter = (a: ReadingValue, b: ReadingValue): boolean =>
  a.mdc !== b.mdc && hasSixDigits(a) && hasSixDigits(b) ? a.mdc > b.mdc : valueText(a) > valueText(b);

/** By insertion: a reading has one to four values, and they mostly come in order. */
const inOrder = (values: readonly ReadingValue[]): readonly ReadingValue[] => {
  const ordered = values.slice();
  for (let i = 1; i < values.length; i++) {
    const value = ordered[i] as ReadingValue;
    let at = i;
    for (let before = ordered[at - 1]; before !== undefined && comesAfter(before, value); before = ordered[at - 1]) {
      ordered[at] = before;
      at -= 1;
    }
    ordered[at] = value;
  }
  return ordered;
};

const putWhen = (when: IdemParts["when"]): void => {
  if ("deviceRaw" in when) {
    SCRATCH.text("raw ");
    SCRATCH.text(when.deviceRaw);
  } else {
    SCRATCH.text(`boot ${when.bootId} `);
    SCRATCH.whole(when.counter);
  }
};

const putMaybe = (value: number | null): void => {
  if (value === null) SCRATCH.sign(DASH);
  else SCRATCH.whole(value);
};

const questionnaireText = ({ id, version, digest, answers }: ReadingQuestionnaire): string =>
  [`${id}@${version} ${digest}`, ...answers.map((answer) => JSON.stringify(answer)).toSorted()].join(";");

/**
 * sha256 over a canonical text of the parts, one a line; codes are sorted, so that the order of values does not matter.
 * This text may never change: a region would take the same measurement for another one.
 */
export const idemOf = (parts: IdemParts): Idem => {
  const values = parts.values.length === 1 ? parts.values : inOrder(parts.values);
  SCRATCH.clear();
  SCRATCH.text("idem/1\n");
  SCRATCH.text(parts.assignment);
  SCRATCH.sign(NEW_LINE);
  SCRATCH.text(parts.device);
  SCRATCH.sign(NEW_LINE);
  putWhen(parts.when);
  SCRATCH.sign(NEW_LINE);
  putMaybe(parts.durationMs);
  SCRATCH.sign(NEW_LINE);
  putMaybe(parts.deviceSequence);
  SCRATCH.sign(NEW_LINE);
  if (parts.supplemental.length > 0) SCRATCH.text(parts.supplemental.toSorted((a, b) => a - b).join(","));
  SCRATCH.sign(NEW_LINE);
  let isFirst = true;
  for (const value of values) {
    if (!isFirst) SCRATCH.sign(SEMICOLON);
    isFirst = false;
    putValue(value);
  }
  if (parts.questionnaire !== undefined) SCRATCH.text(`\n${questionnaireText(parts.questionnaire)}`);
  return `sha256:${hash("sha256", SCRATCH.bytes(), "hex")}` as Idem;
};

/** The reading id that belongs to an idem. */
export const readingIdOf = (idem: Idem): ReadingId => uuidV5(NAMESPACE, idem) as ReadingId;
