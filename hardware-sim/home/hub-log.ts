/** What a line of the hub's log tells the simulator. Everything else in the log is `other`. */
export type HubLine =
  | { readonly tag: "ready" }
  | { readonly tag: "stored"; readonly sensor: string; readonly seq: number; readonly kind: string }
  | { readonly tag: "sent"; readonly firstSeq: number; readonly lastSeq: number; readonly count: number }
  | { readonly tag: "applied"; readonly through: number; readonly settled: number }
  | { readonly tag: "link-up"; readonly protocol: string }
  | { readonly tag: "link-down"; readonly code: string }
  /** A warning or an error, for people. */
  | { readonly tag: "complaint"; readonly level: "warn" | "error"; readonly text: string }
  | { readonly tag: "other" };

/** Levels of pino: 40 warn, 50 error, 60 fatal. */
const WARN = 40;
const ERROR = 50;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" ? value : 0);

const levelOf = (value: unknown): number => {
  if (typeof value === "number") return value;
  return { warn: WARN, error: ERROR, fatal: ERROR + 10 }[text(value)] ?? 0;
};

const complaintOf = (fields: Record<string, unknown>, level: number): HubLine => {
  const { msg, level: _level, time: _time, pid: _pid, hostname: _host, ...rest } = fields;
  const details = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
  );
  return { tag: "complaint", level: level >= ERROR ? "error" : "warn", text: [text(msg), ...details].join(" ") };
};

/** One line of the hub's standard output (pino, NDJSON). A line that is not JSON is `other`. */
export const parseHubLine = (line: string): HubLine => {
  let fields: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== "object" || parsed === null) return { tag: "other" };
    fields = parsed as Record<string, unknown>;
  } catch {
    return { tag: "other" };
  }
  switch (fields.msg) {
    case "hub ready":
      return { tag: "ready" };
    case "reading stored":
      return { tag: "stored", sensor: text(fields.sensor), seq: number(fields.seq), kind: text(fields.kind) };
    case "batch sent":
      return {
        tag: "sent",
        firstSeq: number(fields.firstSeq),
        lastSeq: number(fields.lastSeq),
        count: number(fields.count),
      };
    case "receipt applied":
      return { tag: "applied", through: number(fields.through), settled: number(fields.settled) };
    case "link up":
      return { tag: "link-up", protocol: text(fields.protocol) };
    case "link down":
      return { tag: "link-down", code: text(fields.code) };
    default: {
      const level = levelOf(fields.level);
      return level >= WARN ? complaintOf(fields, level) : { tag: "other" };
    }
  }
};
