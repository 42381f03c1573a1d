import type { Millis } from "../../protocol/time.ts";
import type { NetworkState } from "../region/network.ts";
import type { HomeEvent } from "./home-event.ts";
import { percentile } from "./summary.ts";
import type { SensorName } from "./truth.ts";

/** Rows and messages that are kept for a large terminal; older ones are gone from the view, not from the account. */
const MAX_ROWS = 200;
const MAX_MESSAGES = 20;
/** Latencies that the shown median is of. */
const MAX_LATENCIES = 500;

/** One reading on its way. Times are those of the events, milliseconds since the home was built. */
export interface ViewRow {
  readonly sensor: SensorName;
  readonly shown: string;
  readonly seq: number | null;
  readonly takenAt: Millis | null;
  readonly storedAt: Millis | null;
  readonly sentAt: Millis | null;
  readonly receiptedAt: Millis | null;
  readonly latencyMs: number | null;
}

export interface ViewSensor {
  readonly name: SensorName;
  readonly title: string;
  /** Keeps measurements until they are confirmed: then a stored reading is the oldest one, else the newest. */
  readonly retains: boolean;
  readonly shown: string;
  readonly taken: number;
  readonly receipted: number;
  readonly plugged: boolean;
}

export interface ViewState {
  readonly title: string;
  readonly phase: "starting" | "measuring" | "draining";
  readonly sensors: readonly ViewSensor[];
  readonly rows: readonly ViewRow[];
  readonly taken: number;
  readonly stored: number;
  readonly sent: number;
  readonly receipted: number;
  readonly latencies: readonly number[];
  readonly hub: { readonly state: "starting" | "ready" | "down"; readonly pid: number | null; readonly starts: number };
  readonly link: { readonly up: boolean; readonly detail: string };
  readonly network: NetworkState;
  /** What runs, and how far an update is; null where the hub takes none. */
  readonly release: Omit<HomeEvent & { event: "release" }, "at" | "event"> | null;
  /** What the patient leaves alone for an update. */
  readonly resting: readonly SensorName[];
  readonly messages: readonly { readonly at: Millis; readonly text: string }[];
}

export const emptyView = (
  title: string,
  sensors: readonly Pick<ViewSensor, "name" | "title" | "retains">[],
): ViewState => ({
  title,
  phase: "starting",
  sensors: sensors.map((sensor) => ({ ...sensor, shown: "", taken: 0, receipted: 0, plugged: true })),
  rows: [],
  taken: 0,
  stored: 0,
  sent: 0,
  receipted: 0,
  latencies: [],
  hub: { state: "starting", pid: null, starts: 0 },
  link: { up: false, detail: "" },
  network: "up",
  release: null,
  resting: [],
  messages: [],
});

const EMPTY_ROW: Omit<ViewRow, "sensor"> = {
  shown: "",
  seq: null,
  takenAt: null,
  storedAt: null,
  sentAt: null,
  receiptedAt: null,
  latencyMs: null,
};

const withSensor = (state: ViewState, name: SensorName | null, change: (one: ViewSensor) => ViewSensor): ViewState => ({
  ...state,
  sensors: state.sensors.map((one) => (one.name === name ? change(one) : one)),
});

const withRow = (state: ViewState, row: ViewRow): ViewState => ({
  ...state,
  rows: [...state.rows, row].slice(-MAX_ROWS),
});

/** Changes the row at `index`; where there is none, adds `fresh`. */
const changed = (state: ViewState, index: number, change: Partial<ViewRow>, fresh: ViewRow): ViewState => {
  const row = state.rows[index];
  return row === undefined ? withRow(state, fresh) : { ...state, rows: state.rows.with(index, { ...row, ...change }) };
};

const onTaken = (state: ViewState, event: HomeEvent & { event: "taken" }): ViewState => {
  const { sensor, shown, at } = event;
  const counted = withSensor({ ...state, taken: state.taken + 1 }, sensor, (one) => ({
    ...one,
    shown,
    taken: one.taken + 1,
  }));
  // The hub may be faster than the look at a stream: then its reading waits for the measurement.
  const early = state.rows.findIndex((row) => row.sensor === sensor && row.takenAt === null);
  return changed(counted, early, { shown, takenAt: at }, { ...EMPTY_ROW, sensor, shown, takenAt: at });
};

const onStored = (state: ViewState, event: HomeEvent & { event: "stored" }): ViewState => {
  const { sensor, seq, at } = event;
  const isOpen = (row: ViewRow): boolean => row.sensor === sensor && row.seq === null;
  const retains = state.sensors.find((one) => one.name === sensor)?.retains === true;
  const index = retains ? state.rows.findIndex(isOpen) : state.rows.findLastIndex(isOpen);
  const counted = { ...state, stored: state.stored + 1 };
  return changed(counted, index, { seq, storedAt: at }, { ...EMPTY_ROW, sensor, seq, storedAt: at });
};

const onSent = (state: ViewState, event: HomeEvent & { event: "sent" }): ViewState => {
  const isNew = (row: ViewRow): boolean =>
    row.seq !== null && row.sentAt === null && row.seq >= event.firstSeq && row.seq <= event.lastSeq;
  const sent = state.rows.filter(isNew).length;
  const rows = state.rows.map((row) => (isNew(row) ? { ...row, sentAt: event.at } : row));
  return { ...state, sent: state.sent + sent, rows };
};

const onReceipted = (state: ViewState, event: HomeEvent & { event: "receipted" }): ViewState => {
  const { sensor, seq, at, latencyMs } = event;
  const latencies = latencyMs === null ? state.latencies : [...state.latencies, latencyMs].slice(-MAX_LATENCIES);
  const counted = { ...state, receipted: state.receipted + 1, latencies };
  const rows = state.rows.map((row) => (row.seq === seq ? { ...row, receiptedAt: at, latencyMs } : row));
  return withSensor({ ...counted, rows }, sensor, (one) => ({ ...one, receipted: one.receipted + 1 }));
};

const onHub = (state: ViewState, event: HomeEvent & { event: "hub" }): ViewState => {
  const { starts } = state.hub;
  if (event.state === "started") return { ...state, hub: { state: "starting", pid: event.pid, starts: starts + 1 } };
  if (event.state === "ready") return { ...state, hub: { state: "ready", pid: event.pid, starts } };
  return { ...state, hub: { state: "down", pid: null, starts }, link: { up: false, detail: "hub is down" } };
};

const said = (state: ViewState, at: Millis, text: string): ViewState => ({
  ...state,
  messages: [...state.messages, { at, text }].slice(-MAX_MESSAGES),
});

/** An update waits for a while after the last octets from a cable. */
const restText = (sensors: readonly SensorName[]): string =>
  sensors.length === 0
    ? "patient: uses every sensor again"
    : `patient: rests what is wired until the update is over (${sensors.join(", ")})`;

/** What the view shows after an event. Pure. */
export const nextView = (state: ViewState, event: HomeEvent): ViewState => {
  switch (event.event) {
    case "phase":
      return { ...state, phase: event.phase };
    case "taken":
      return onTaken(state, event);
    case "stored":
      return onStored(state, event);
    case "sent":
      return onSent(state, event);
    case "receipted":
      return onReceipted(state, event);
    case "applied":
      return state;
    case "link":
      return { ...state, link: { up: event.state === "up", detail: event.detail } };
    case "network":
      return { ...state, network: event.state };
    case "broker":
      return said(state, event.at, `region: the broker is ${event.state}`);
    case "paired":
      return said(state, event.at, `technician: ${event.sensor} is paired with the hub`);
    case "cable":
      return withSensor(state, event.sensor, (one) => ({ ...one, plugged: event.plugged }));
    case "hub":
      return onHub(state, event);
    case "release": {
      const { at: _at, event: _event, ...release } = event;
      return { ...state, release };
    }
    case "release-published":
      return said(state, event.at, `region: publishes release ${event.counter} (${event.content})`);
    case "release-ended": {
      const why = event.reason === null ? "" : ` (${event.reason})`;
      return said(state, event.at, `hub: release ${event.counter} (${event.content}) is ${event.result}${why}`);
    }
    case "rest":
      return said({ ...state, resting: event.sensors }, event.at, restText(event.sensors));
    case "complaint":
      return said(state, event.at, `${event.from}: ${event.text}`);
  }
};

export const medianLatency = (state: ViewState): number | null => percentile(state.latencies, 0.5);
