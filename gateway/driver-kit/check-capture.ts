import { codeOf } from "../../protocol/codes.ts";
import { isHubError } from "../../protocol/errors.ts";
import type { ConfigProblem } from "../config/hub-config.ts";
import { type ConfigPath, pathText, type SourceMap } from "../config/source-map.ts";
import type { WrittenCapture, WrittenEvent, WrittenValue } from "./written-capture.ts";

const ACTIONS = ["in", "text", "out", "value", "read", "write", "subscribe", "disconnect", "stop"] as const;
type Action = (typeof ACTIONS)[number];

const SERIAL: ReadonlySet<Action> = new Set(["in", "text", "out"]);
const BLE: ReadonlySet<Action> = new Set(["value", "read", "write", "subscribe"]);

export const actionsOf = (event: WrittenEvent): readonly Action[] =>
  ACTIONS.filter((action) => event[action] !== undefined);

export const isKnownQuantity = (quantity: string): boolean => {
  try {
    codeOf(quantity);
    return true;
  } catch (thrown) {
    if (isHubError(thrown, "unknown-code")) return false;
    throw thrown;
  }
};

const knownZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

const needsHex = (action: Action, event: WrittenEvent): string | null => {
  const has = event.hex !== undefined;
  if (action === "value" || action === "write") return has ? null : `expected hex, the bytes of this ${action}`;
  if (action === "read") {
    return has === (event.refused !== undefined) ? "expected either hex (the answer) or refused (the ATT error)" : null;
  }
  return has ? `expected no hex beside ${action}` : null;
};

const eventProblem = (event: WrittenEvent, isBle: boolean, channels: ReadonlySet<string>): string | null => {
  const actions = actionsOf(event);
  const [action, second] = actions;
  if (action === undefined) return `expected one of ${ACTIONS.join(", ")}`;
  if (second !== undefined) return `expected one action, found ${actions.join(" and ")}; write an event for each`;
  if (isBle && SERIAL.has(action)) return `${action} is for a serial sensor, and this capture has a link`;
  if (!isBle && BLE.has(action)) return `${action} needs the sensor's characteristics; list them under link`;
  if (event.refused !== undefined && !["read", "write", "subscribe"].includes(action)) {
    return `expected no refused beside ${action}`;
  }
  const hex = needsHex(action, event);
  if (hex !== null) return hex;
  if ((action === "value" || action === "read") && event.hex?.includes("..") === true) {
    return "expected every byte that the sensor sent; .. is for what the hub writes";
  }
  const channel = event.value ?? event.read ?? event.write ?? event.subscribe;
  return channel === undefined || channels.has(channel) ? null : `channel ${channel} is not under link; add it there`;
};

const valueProblem = (value: WrittenValue): string | null => {
  if ((value.quantity === undefined) === (value.mdc === undefined)) return "expected either quantity or mdc";
  if (value.quantity !== undefined && !isKnownQuantity(value.quantity)) {
    return `quantity ${value.quantity} is not in the code table (protocol/codes.json)`;
  }
  if (value.absent !== undefined && value.value !== undefined) return "expected either value or absent";
  if (value.decimals === undefined || value.value === undefined) return null;
  return Number(value.value.toFixed(value.decimals)) === value.value
    ? null
    : `value ${value.value} has more than ${value.decimals} decimals`;
};

/** What the schema cannot say: which parts belong together, and what names mean. */
export const crossCheckCapture = (written: WrittenCapture, source: SourceMap): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = [];
  const complain = (path: ConfigPath, message: string | null): void => {
    if (message !== null) problems.push({ ...source.valueAt(path), path: pathText(path), message });
  };
  const { model, driver, quirks } = written;
  if ((model === undefined) === (driver === undefined)) {
    complain([], "expected either model (of the catalogue) or driver");
  }
  if (model !== undefined && quirks !== undefined) complain(["quirks"], "a model has its quirks in the catalogue");
  if (!knownZone(written.zone))
    complain(["zone"], `${written.zone} is no time zone; expected such as Europe/Stockholm`);

  const channels = new Set((written.link ?? []).map(({ channel }) => channel));
  let before = 0;
  let isOver = false;
  written.session.forEach((event, index) => {
    const path = ["session", index];
    complain(path, eventProblem(event, written.link !== undefined, channels));
    if (event.at < before) complain([...path, "at"], `${event.at} ms is before the event above (${before} ms)`);
    if (isOver) complain(path, "nothing happens after disconnect or stop");
    before = Math.max(before, event.at);
    isOver ||= event.disconnect === true || event.stop === true;
  });
  written.expect.readings.forEach((reading, index) => {
    reading.values?.forEach((value, at) => {
      complain(["expect", "readings", index, "values", at], valueProblem(value));
    });
  });
  return problems;
};
