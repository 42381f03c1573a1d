import { ASTM, astmFrames } from "./astm-frames.ts";
import { ANSWER_TIMEOUT, NEUTRAL, nextSender, type SenderEvent, type SenderState } from "./astm-sender.ts";
import {
  CONTOUR_END,
  CONTOUR_PATIENT,
  type ContourTest,
  type ContourUnit,
  contourHeader,
  contourResult,
  contourTruth,
} from "./contour-records.ts";
import type { GlucoseQuantity } from "./glucose-result.ts";
import { ascii, localParts, padded } from "./local-parts.ts";
import type { SerialMeasurement } from "./measurement.ts";
import { createMeterMemory, type MeterRecord, repliesTo } from "./meter-memory.ts";
import { createMeterCore, meterParts, type SerialMeter, type SerialMeterOptions } from "./serial-meter.ts";

export interface ContourOptions extends SerialMeterOptions, GlucoseQuantity {
  /** Default that of a Contour USB, serial number 7390-2336773. */
  readonly product?: string;
  /** Default mg/dL. */
  readonly unit?: ContourUnit;
}

/** A Contour: it bids for the line when its cable goes in, and sends its whole memory, oldest first. */
export interface ContourMeter extends SerialMeter {
  /** Where it stands on the line. */
  readonly line: { readonly state: SenderState["tag"] };
  measure(test: ContourTest): SerialMeasurement;
  /** The cable goes in, or its button is pressed: it bids for the line. */
  start(): void;
}

const PRODUCT = "Bayer7390^01.24\\01.04\\09.02.20^7390-2336773^7403-";
const MEMORY = 2000;
/** `R|T|` and `W|T|1717|`, each followed by CR: the commands with which Tidepool reads and sets the clock. */
const MAX_COMMAND = 16;

interface Message {
  readonly frames: readonly Uint8Array[];
  /** The record that a frame carries. */
  readonly records: ReadonlyMap<number, MeterRecord<ContourTest>>;
}

export const createContourMeter = (options: ContourOptions): ContourMeter => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<ContourTest>(options.memory ?? MEMORY, options.clock);
  const tell = repliesTo(core, memory);
  const unit = options.unit ?? "mg/dL";
  const line: { state: SenderState["tag"] } = { state: "neutral" };
  let state: SenderState = NEUTRAL;
  let message: Message = { frames: [], records: new Map() };
  let waiting = new AbortController();
  let timing: Promise<void> = Promise.resolve();
  let command = "";
  /** What the next octets of command mode set or read. */
  let awaits: "none" | "read" | "write" | "date" | "time" = "none";

  const compose = (): Message => {
    const held = memory.oldestFirst;
    const header = contourHeader({
      product: options.product ?? PRODUCT,
      unit,
      count: held.length,
      shownMs: core.shownMs,
    });
    const results = held.map(({ result, shownMs }, index) => contourResult(index + 1, result, unit, shownMs));
    return {
      frames: astmFrames([header, CONTOUR_PATIENT, ...results, CONTOUR_END]),
      records: new Map(held.map((record, index) => [index + 2, record])),
    };
  };

  const sendFrame = (index: number): void => {
    const bytes = message.frames[index];
    const record = message.records.get(index);
    if (bytes !== undefined) tell([{ bytes, ...(record === undefined ? {} : { record }) }]);
  };

  const step = (event: SenderEvent): void => {
    const before = state;
    const next = nextSender(state, event, message.frames.length);
    state = next.state;
    line.state = state.tag;
    if (before.tag !== "bidding" && state.tag === "bidding") message = compose();
    for (const effect of next.effects) {
      if (effect.tag === "send") core.say(Uint8Array.of(effect.octet));
      else sendFrame(effect.index);
    }
    if (state !== before) watch();
  };

  /** The answer that is waited for must come in time. */
  const watch = (): void => {
    waiting.abort();
    waiting = new AbortController();
    if (state.tag === "neutral") return;
    const { signal } = waiting;
    const timeout = options.clock.sleep(ANSWER_TIMEOUT, signal).then(
      () => step({ tag: "timeout" }),
      () => undefined,
    );
    timing = Promise.all([timing, timeout]).then(() => undefined);
  };

  const setClock = (text: string): void => {
    const now = localParts(core.shownMs);
    const [a = 0, b = 0, c = 0] = (text.match(/\d\d/g) ?? []).map(Number);
    if (awaits === "date") core.setShown(Date.UTC(2000 + a, b - 1, c, now.hour, now.minute, now.second));
    else core.setShown(Date.UTC(now.year, now.month - 1, now.day, a, b, 0));
  };

  const clockText = (what: string): Uint8Array => {
    const { year, month, day, hour, minute } = localParts(core.shownMs);
    const value = what === "D|" ? [year % 100, month, day] : [hour, minute];
    return ascii(`${what}${value.map((one) => padded(one)).join("")}|\r`);
  };

  /** Command mode: `R|` or `W|`, then `D|` or `T|`, then the value to write; each is acknowledged. */
  const replyTo = (text: string): Uint8Array => {
    const isClock = text === "D|" || text === "T|";
    if (takesValue()) {
      setClock(text);
      awaits = "none";
    } else if (awaits === "read" && isClock) {
      awaits = "none";
      return clockText(text);
    } else if (awaits === "write" && isClock) awaits = text === "D|" ? "date" : "time";
    else if (text === "R|" || text === "W|") awaits = text === "R|" ? "read" : "write";
    else return Uint8Array.of(ASTM.NAK);
    return Uint8Array.of(ASTM.ACK);
  };

  const takesValue = (): boolean => awaits === "date" || awaits === "time";

  /** A command is whole with its bar, a value with its CR; a CR after a command says nothing. */
  const inCommandMode = (octet: number): void => {
    const letter = String.fromCharCode(octet);
    if (letter === "\r" && !takesValue()) return;
    if (letter !== "\r") command += letter;
    if (letter !== (takesValue() ? "\r" : "|") && command.length <= MAX_COMMAND) return;
    const text = command;
    command = "";
    core.say(replyTo(text));
  };

  return Object.assign(meterParts(core, memory.measurements), {
    line,
    measure: (test: ContourTest) => memory.store(test, contourTruth(test, unit, options), core.shownMs),
    start: () => step({ tag: "start" }),
    receive: (bytes: Uint8Array) => {
      for (const octet of bytes) {
        if (state.tag === "command" && octet !== ASTM.EOT) inCommandMode(octet);
        else step({ tag: "heard", octet });
      }
    },
    [Symbol.asyncDispose]: async () => {
      waiting.abort();
      await timing;
      await core.close();
    },
  });
};
