import { readingText } from "./compare.ts";
import { type CaptureOutcome, hasPassed, isRobust, type ModelOutcome } from "./conformance.ts";
import { differenceLine } from "./difference.ts";
import { endText } from "./replay.ts";
import { CHECK_TEXT } from "./robustness.ts";

/** What a conformance page says, before it is HTML or Markdown. */
export type Block =
  | { readonly tag: "heading"; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly tag: "paragraph"; readonly text: string }
  | { readonly tag: "verdict"; readonly ok: boolean; readonly text: string }
  | { readonly tag: "list"; readonly items: readonly string[] }
  | { readonly tag: "table"; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };

export interface ReportFacts {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly hubVersion: string;
  readonly nodeVersion: string;
}

/** `1 reading`, `2 readings`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const captureBlocks = (outcome: CaptureOutcome): readonly Block[] => {
  const { capture, tried, differences, robustness } = outcome;
  const passed = hasPassed(outcome);
  const blocks: Block[] = [
    { tag: "heading", level: 3, text: capture.file },
    { tag: "paragraph", text: capture.about },
    { tag: "paragraph", text: `Bytes from: ${capture.source}` },
    { tag: "verdict", ok: passed, text: passed ? "passed" : "failed" },
  ];
  if (tried !== null) {
    const { taken, unreadable } = tried.replayed;
    const rows = taken.map(({ reading }, index) => [
      String(index + 1),
      readingText(reading),
      reading.status,
      [...reading.flags, ...reading.quality].join(", "),
      `${reading.time.start ?? "unknown"} (${reading.time.basis})`,
    ]);
    if (rows.length > 0) {
      blocks.push({ tag: "table", columns: ["", "Reading", "Status", "Flags and quality", "Measured"], rows });
    }
    const kept = `${count(taken.length, "reading")}, ${unreadable.length} unreadable, end: ${endText(tried.replayed)}`;
    blocks.push({ tag: "paragraph", text: kept });
  }
  if (differences.length > 0)
    blocks.push({ tag: "list", items: differences.map((one) => differenceLine(capture, one)) });
  if (robustness.length > 0) {
    blocks.push({
      tag: "table",
      columns: ["Disturbance", "Tried", "Possible", "Failed"],
      rows: robustness.map(({ name, tried: times, possible, failed }) => [
        CHECK_TEXT[name],
        String(times),
        String(possible),
        String(failed),
      ]),
    });
    if (!isRobust(outcome)) blocks.push({ tag: "list", items: robustness.flatMap(({ faults }) => faults) });
  }
  return blocks;
};

const modelBlocks = (model: ModelOutcome): readonly Block[] => {
  const missing = model.coverage.filter(({ readings }) => readings === 0);
  return [
    { tag: "heading", level: 2, text: `${model.name}: ${model.title}` },
    {
      tag: "paragraph",
      text: `Driver ${model.driver}. Firmware: ${model.firmware.join(", ") || "not told by the sensor"}.`,
    },
    ...(model.coverage.length === 0
      ? []
      : [
          {
            tag: "table",
            columns: ["Quantity of the catalogue", "Readings with a number"],
            rows: model.coverage.map(({ quantity, readings }) => [quantity, String(readings)]),
          } as const,
          {
            tag: "paragraph",
            text:
              missing.length === 0
                ? "Every quantity is shown by a capture."
                : `Not shown by any capture: ${missing.map(({ quantity }) => quantity).join(", ")}.`,
          } as const,
        ]),
    ...model.captures.flatMap(captureBlocks),
  ];
};

/**
 * The conformance page of a run. Values are those of the captures; serial numbers and system ids of sensors are left
 * out, and nothing of a patient is known here.
 */
export const reportBlocks = (models: readonly ModelOutcome[], facts: ReportFacts): readonly Block[] => {
  const outcomes = models.flatMap(({ captures }) => captures);
  const passed = outcomes.filter(hasPassed).length;
  const readings = outcomes.reduce((sum, { tried }) => sum + (tried?.replayed.taken.length ?? 0), 0);
  const disturbances = outcomes.flatMap(({ robustness }) => robustness).reduce((sum, { tried }) => sum + tried, 0);
  return [
    { tag: "heading", level: 1, text: "Driver conformance" },
    { tag: "paragraph", text: `${facts.at}, Hemhub ${facts.hubVersion}, Node ${facts.nodeVersion}` },
    {
      tag: "verdict",
      ok: passed === outcomes.length,
      text: `${passed} of ${count(outcomes.length, "capture")} passed, ${count(readings, "reading")}, ${count(disturbances, "disturbance")}`,
    },
    ...models.flatMap(modelBlocks),
  ];
};
