import type { Millis } from "../../protocol/time.ts";
import { medianLatency, type ViewRow, type ViewSensor, type ViewState } from "./view-state.ts";

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

/** What changes without an event. */
export interface ViewNow {
  readonly elapsed: Millis;
  readonly rssMb: number;
}

const KEYS = "n net  k kill  u update  s scale  b cuff  o oximeter  t temp  g glucose  q quit";
/** Below this nothing fits; a smaller terminal shows the top left of it. */
const LEAST: ViewSize = { columns: 80, rows: 24 };
const HEAD_LINES = 4;
const FOOT_LINES = 3;

const clockText = (ms: number): string => {
  const total = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  return `${hours === 0 ? "" : `${hours}:`}${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
};

const cell = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
const right = (text: string, width: number): string => text.slice(0, width).padStart(width);
const sides = (left: string, end: string, columns: number): string =>
  `${cell(left, Math.max(1, columns - end.length - 1))} ${end}`;

const sinceTaken = (row: ViewRow, at: Millis | null): string => {
  if (at === null) return "·";
  if (row.takenAt === null) return clockText(at);
  const delay = Math.max(0, at - row.takenAt);
  return delay < 10_000 ? `+${delay} ms` : `+${(delay / 1000).toFixed(0)} s`;
};

const sensorLine = (sensor: ViewSensor, columns: number): string => {
  const name = sensor.plugged ? sensor.title : `${sensor.title} (unplugged)`;
  const counts = `${right(String(sensor.taken), 7)}${right(String(sensor.receipted), 11)}`;
  const last = Math.max(10, columns - 28 - counts.length);
  return `${cell(name, 27)} ${cell(sensor.shown, last)}${counts}`;
};

const rowLine = (row: ViewRow, columns: number): string => {
  const times = [row.storedAt, row.sentAt, row.receiptedAt].map((at) => right(sinceTaken(row, at), 10)).join("");
  const latency = right(row.latencyMs === null ? "" : `${row.latencyMs.toFixed(0)} ms`, 10);
  const start = `${right(row.seq === null ? "" : String(row.seq), 5)} ${cell(row.sensor, 15)}`;
  const shown = Math.max(8, columns - start.length - times.length - latency.length - 1);
  return `${start} ${cell(row.shown, shown)}${times}${latency}`;
};

const phaseText = ({ phase }: ViewState): string =>
  ({ starting: "starting", measuring: "", draining: "ending: waiting for what is under way" })[phase];

const PROVING: ReadonlySet<string> = new Set(["trial", "committing"]);

const releaseText = ({ release }: ViewState): string => {
  if (release === null) return "";
  const { running, state, campaign, reason } = release;
  const name = running.counter === 0 ? running.slot : String(running.counter);
  const trial = PROVING.has(state) ? ", on trial" : "";
  const why = reason === null ? "" : `, ${reason}`;
  return `Release ${name}${trial}  |  update: ${state}${campaign === null ? "" : ` ${campaign}`}${why}`;
};

const headOf = (state: ViewState, now: ViewNow, columns: number): string[] => {
  const { hub, link } = state;
  const memory = now.rssMb > 0 ? `, ${now.rssMb.toFixed(0)} MB` : "";
  const pid = hub.pid === null ? "" : `, pid ${hub.pid}${memory}`;
  const started = hub.starts === 1 ? "" : `, started ${hub.starts} times`;
  const network = { up: "up", cut: "cut (n restores it)", silent: "silent" }[state.network];
  return [
    sides("Hemhub: a home in software", `${state.title}  ${clockText(now.elapsed)}`, columns),
    sides(`Hub ${hub.state}${pid}${started}`, `Network ${network}`, columns),
    sides(`Link ${link.up ? "up" : "down"}${link.detail === "" ? "" : ` (${link.detail})`}`, phaseText(state), columns),
    sides(releaseText(state), state.resting.length === 0 ? "" : "wired sensors rest", columns),
  ];
};

const countsOf = (state: ViewState, columns: number): string => {
  const median = medianLatency(state);
  const waiting = Math.max(0, state.stored - state.receipted);
  const parts = [
    `taken ${state.taken}`,
    `stored ${state.stored}`,
    `sent ${state.sent}`,
    `receipted ${state.receipted}`,
    `backlog ${waiting}`,
  ];
  return sides(parts.join("   "), median === null ? "" : `median ${median.toFixed(0)} ms`, columns);
};

/**
 * The live view: exactly `size.rows` lines of at most `size.columns` characters, without control characters. A
 * terminal below 80 x 24 gets the top left of what 80 x 24 would show.
 */
export const renderView = (state: ViewState, now: ViewNow, size: ViewSize): string[] => {
  const columns = Math.max(size.columns, LEAST.columns);
  const height = Math.max(size.rows, LEAST.rows);
  const sensors = [
    `${cell("SENSOR", 27)} ${cell("LAST", Math.max(10, columns - 46))}${right("TAKEN", 7)}${right("RECEIPTED", 11)}`,
    ...state.sensors.map((sensor) => sensorLine(sensor, columns)),
    "",
  ];
  const heading =
    `${right("SEQ", 5)} ${cell("READING", 15)} ${cell("", Math.max(8, columns - 62))}` +
    `${right("STORED", 10)}${right("SENT", 10)}${right("RECEIPTED", 10)}${right("LATENCY", 10)}`;
  const room = Math.max(0, height - HEAD_LINES - sensors.length - 2 - FOOT_LINES);
  const rows = state.rows.slice(-room).map((row) => rowLine(row, columns));
  const message = state.messages.at(-1);
  const lines = [
    ...headOf(state, now, columns),
    ...sensors,
    countsOf(state, columns),
    heading,
    ...(room === 0 ? [] : rows),
    ...Array.from({ length: room - rows.length }, () => ""),
    "",
    message === undefined ? "" : `${clockText(message.at)} ${message.text}`,
    KEYS,
  ];
  return Array.from({ length: size.rows }, (_, index) => (lines[index] ?? "").slice(0, size.columns).trimEnd());
};
