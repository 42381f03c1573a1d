import { type GlucoseQuantity, glucoseTruth } from "./glucose-result.ts";
import { ascii, asText, localParts, padded } from "./local-parts.ts";
import type { SerialMeasurement } from "./measurement.ts";
import { createMeterMemory, type MeterRecord } from "./meter-memory.ts";
import { createMeterCore, meterParts, type SerialMeter, type SerialMeterOptions } from "./serial-meter.ts";

/**
 * An Abbott FreeStyle Optium: text commands after `$` (glucometer-protocols abbott/freestyle-optium, glucometerutils
 * drivers/fsoptium.py; the form of a result also in Tidepool abbott/abbottPrecisionXtra.js). Results are in mg/dL
 * whatever it shows, times without seconds. What a ketone result means is not known, so the truth does not say.
 */
export interface AbbottOptium extends SerialMeter {
  measure(test: OptiumTest): SerialMeasurement;
}

export type OptiumTest =
  | { readonly tag: "glucose"; readonly mgPerDl: number }
  /** Beyond what it can measure. */
  | { readonly tag: "high" }
  /** The three digits that it sends. */
  | { readonly tag: "ketone"; readonly raw: number };

export interface OptiumOptions extends SerialMeterOptions, GlucoseQuantity {
  /** Seven characters, a hyphen, five. Default XAKD267-A0245. */
  readonly serial?: string;
  /** The first command after it was connected is answered with an empty line, as it happens. Default false. */
  readonly missesFirst?: boolean;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const SERIAL = "XAKD267-A0245";
const VERSION = "0.22";
const MEMORY = 450;
const END = "\r\n";
const DONE = `CMD OK${END}`;
const SET_TIME = /^tim,(\d\d),(\d\d),(\d\d),(\d\d),(\d\d)$/;
/** `$tim,06,15,26,17,17`; more without an end is noise. */
const MAX_COMMAND = 32;

const clockOf = (ms: number): string => {
  const { hour, minute, second } = localParts(ms);
  return `${padded(hour)}:${padded(minute)}:${padded(second)}`;
};

/** Line `Clock:` of `$colq`: every month in three letters, two spaces. */
export const optiumClockLine = (ms: number): string => {
  const { year, month, day } = localParts(ms);
  return `Clock:\t${MONTHS[month - 1]}  ${padded(day)} ${year}\t${clockOf(ms)}`;
};

/** Date in `$xmem`: June and July in full, the other months in three letters and a space. */
const dateText = (ms: number): string => {
  const { year, month, day } = localParts(ms);
  const name = { 6: "June", 7: "July" }[month] ?? `${MONTHS[month - 1]} `;
  return `${name} ${padded(day)} ${year}`;
};

const valueText = (test: OptiumTest): string => {
  if (test.tag === "high") return "HI ";
  return padded(test.tag === "ketone" ? test.raw : test.mgPerDl, 3);
};

/** One result: `105  June 15 2026 17:17 G 0x00`. */
export const optiumResult = (test: OptiumTest, ms: number): string =>
  `${valueText(test)}  ${dateText(ms)} ${clockOf(ms).slice(0, 5)} ${test.tag === "ketone" ? "K" : "G"} 0x00`;

/** The memory: lines, and the sum of everything before `0x` as four hexadecimal digits. */
export const optiumMemory = (serial: string, shownMs: number, results: readonly string[]): Uint8Array => {
  const lines = [
    "",
    serial,
    VERSION,
    `${dateText(shownMs)} ${clockOf(shownMs)}`,
    padded(results.length, 3),
    ...results,
  ];
  const text = lines.map((line) => `${line}${END}`).join("");
  const sum = ascii(text).reduce((total, octet) => (total + octet) & 0xffff, 0);
  return ascii(`${text}0x${sum.toString(16).toUpperCase().padStart(4, "0")}  END${END}`);
};

export const createAbbottOptium = (options: OptiumOptions): AbbottOptium => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<OptiumTest>(options.memory ?? MEMORY, options.clock);
  const serial = options.serial ?? SERIAL;
  let missesNext = options.missesFirst ?? false;
  let line = "";

  const resultOf = ({ result, shownMs }: MeterRecord<OptiumTest>): string => optiumResult(result, shownMs);

  const dump = (): void => {
    const records = memory.newestFirst;
    core.say(optiumMemory(serial, core.shownMs, records.map(resultOf)), (outcome) => {
      for (const record of records) memory.told(record, ascii(resultOf(record)), outcome);
    });
  };

  const tellAbout = (): void => {
    const lines = [
      `S/N:\t${serial}`,
      `Ver:\t${VERSION}\tMMOL`,
      optiumClockLine(core.shownMs),
      "Market:\t1\t1",
      "ROM:\t1\t1\t1\t1",
      `Usage:\t${memory.oldestFirst.length}`,
    ];
    core.say(ascii(`${lines.map((one) => `${one}${END}`).join("")}${DONE}`));
  };

  const setTime = (match: RegExpExecArray): void => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = match.slice(1).map(Number);
    core.setShown(Date.UTC(2000 + year, month - 1, day, hour, minute));
    core.say(ascii(DONE));
  };

  const obey = (command: string): void => {
    const time = SET_TIME.exec(command);
    if (missesNext) core.say(ascii(END));
    else if (command === "xmem") dump();
    else if (command === "colq") tellAbout();
    else if (time !== null) setTime(time);
    missesNext = false;
  };

  const take = (letter: string): void => {
    if (letter === "$") line = letter;
    else if (letter === "\n" && line.startsWith("$") && line.endsWith("\r")) {
      obey(line.slice(1, -1));
      line = "";
    } else line = line.length < MAX_COMMAND ? line + letter : "";
  };

  return Object.assign(meterParts(core, memory.measurements), {
    measure: (test: OptiumTest) =>
      memory.store(test, test.tag === "glucose" ? glucoseTruth(test, options) : [], core.shownMs),
    receive: (bytes: Uint8Array) => {
      for (const letter of asText(bytes)) take(letter);
    },
  });
};
