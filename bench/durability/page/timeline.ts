import type { Moment } from "../suite.ts";
import { grouped, html, type Markup, plotOf, tableOf } from "./markup.ts";

/** Operations that fit side by side and can still be told apart. */
export const MOST_SHOWN = 260;
const [WIDTH, LEFT, RIGHT, TOP, LANE] = [960, 148, 22, 34, 34];

const WINDOW_STEP = 10;
const FAR_WEIGHT = 4;

const SENSOR = "sensors";
const REGION = "region";

interface Placed {
  readonly moment: Moment;
  readonly x: number;
  readonly lane: string;
}

const FAR: ReadonlySet<string> = new Set(["published", "receipt"]);
const NEAR: ReadonlySet<string> = new Set(["stored"]);

/** The lane of a moment; null for what the picture leaves out (a sensor that only begins to send). */
const laneOf = ({ tag, file, said }: Moment): string | null => {
  if (tag !== "acknowledge") return file ?? "other";
  if (said.some((what) => NEAR.has(what))) return SENSOR;
  return said.some((what) => FAR.has(what)) ? REGION : null;
};

/** A draft file is drawn with the file that it becomes. */
const finalName = (lane: string): string => lane.replace(/\.new$/, "");

const isMessage = (moment: Moment): boolean => moment.tag === "acknowledge" && laneOf(moment) !== null;
const isFar = ({ said }: Moment): boolean => said.some((what) => FAR.has(what));

/** Where the part begins that is shown: the one in which most is said, and the region speaks as much as it does anywhere. */
export const windowOf = (moments: readonly Moment[]): number => {
  let [best, bestScore] = [0, -1];
  for (let from = 0; from === 0 || from + MOST_SHOWN <= moments.length; from += WINDOW_STEP) {
    const shown = moments.slice(from, from + MOST_SHOWN);
    const score = shown.filter(isMessage).length + FAR_WEIGHT * shown.filter(isFar).length;
    if (score > bestScore) [best, bestScore] = [from, score];
  }
  return best;
};

const mark = ({ moment, x }: Placed, y: number): Markup => {
  switch (moment.tag) {
    case "write":
      return html`<line x1="${x}" x2="${x}" y1="${y - 7}" y2="${y + 7}" class="write"/>`;
    case "sync":
      return html`<line x1="${x}" x2="${x}" y1="${y - 11}" y2="${y + 11}" class="sync"/><circle cx="${x}" cy="${y - 11}" r="3" class="sync-dot"/>`;
    case "acknowledge":
      if (moment.said.includes("receipt")) return html`<circle cx="${x}" cy="${y}" r="4.2" class="far-ring"/>`;
      if (moment.said.includes("published")) return html`<circle cx="${x}" cy="${y}" r="4.2" class="far"/>`;
      return html`<path d="M${x - 4.5} ${y - 6}h9l-4.5 10z" class="promise"/>`;
    default:
      return html`<rect x="${x - 3}" y="${y - 3}" width="6" height="6" rx="1.2" class="name"/>`;
  }
};

const LEGEND: readonly { readonly moment: Moment; readonly text: string; readonly width: number }[] = [
  { moment: { tag: "write", file: "", said: [] }, text: "write", width: 60 },
  { moment: { tag: "sync", file: "", said: [] }, text: "fsync: durable from here on", width: 196 },
  { moment: { tag: "create", file: "", said: [] }, text: "create, rename, remove", width: 170 },
  { moment: { tag: "acknowledge", file: null, said: ["stored"] }, text: "reading acknowledged", width: 164 },
  { moment: { tag: "acknowledge", file: null, said: ["published"] }, text: "region has it", width: 106 },
  { moment: { tag: "acknowledge", file: null, said: ["receipt"] }, text: "receipt", width: 70 },
];

const legend = (y: number): Markup => {
  let x = LEFT;
  return html`${LEGEND.map(({ moment, text, width }) => {
    const at = x;
    x += width;
    return html`${mark({ moment, x: at, lane: "" }, y)}<text x="${at + 10}" y="${y + 4}">${text}</text>`;
  })}`;
};

const describe = (placed: readonly Placed[]): string => {
  const count = (wanted: (placed: Placed) => boolean): string => grouped(placed.filter(wanted).length);
  return (
    `From left to right in their order: ${count(({ moment }) => moment.tag === "write")} writes, ` +
    `${count(({ moment }) => moment.tag === "sync")} synchronisations, ${count(({ lane }) => lane === SENSOR)} ` +
    `acknowledgements to sensors, and ${count(({ lane }) => lane === REGION)} ` +
    "messages to and from the region."
  );
};

export interface Timeline {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** Behind the sentence that says what is to be seen. */
  readonly caption: string;
  readonly moments: readonly Moment[];
}

/** A part of one recorded run; null where none was recorded. */
export const timelinePlot = ({ id, title, caption, moments }: Timeline): Markup | null => {
  const first = windowOf(moments);
  const shown = moments.slice(first, first + MOST_SHOWN);
  if (shown.length < 2) return null;
  const step = (WIDTH - LEFT - RIGHT) / (shown.length - 1);
  const placed = shown.flatMap((moment, i): readonly Placed[] => {
    const lane = laneOf(moment);
    return lane === null ? [] : [{ moment, x: Math.round((LEFT + i * step) * 10) / 10, lane: finalName(lane) }];
  });
  const files = [...new Set(placed.map(({ lane }) => lane))].filter((lane) => lane !== SENSOR && lane !== REGION);
  const busiest = files.toSorted(
    (a, b) => placed.filter(({ lane }) => lane === a).length - placed.filter(({ lane }) => lane === b).length,
  );
  const lanes = [...busiest, ...[SENSOR, REGION].filter((lane) => placed.some((one) => one.lane === lane))];
  const yOf = (lane: string): number => TOP + lanes.indexOf(lane) * LANE + LANE / 2;
  const bottom = TOP + lanes.length * LANE;
  const journal = busiest.at(-1);
  const body = html`${lanes.map(
    (lane) =>
      html`<line x1="${LEFT - 8}" x2="${WIDTH - RIGHT}" y1="${yOf(lane)}" y2="${yOf(lane)}" class="faint"/><text x="${LEFT - 16}" y="${yOf(lane) + 4}" text-anchor="end"${lane === SENSOR || lane === REGION ? html` class="strong"` : ""}>${lane}</text>`,
  )}
${placed
  .filter(({ moment, lane }) => moment.tag === "sync" && lane === journal)
  .map(({ x }) => html`<line x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}" class="commit"/>`)}
${placed.map((one) => mark(one, yOf(one.lane)))}
<line x1="${LEFT - 8}" x2="${WIDTH - RIGHT}" y1="${bottom + 4}" y2="${bottom + 4}" class="axis"/>
<text x="${LEFT - 8}" y="${bottom + 22}">operation ${grouped(first + 1)}</text><text x="${WIDTH - RIGHT}" y="${bottom + 22}" text-anchor="end">operation ${grouped(first + shown.length)} of ${grouped(moments.length)}</text>
${legend(16)}`;
  const rows = lanes.map((lane) => {
    const inLane = placed.filter((one) => one.lane === lane);
    const count = (...tags: readonly string[]): number =>
      inLane.filter(({ moment }) => tags.includes(moment.tag)).length;
    const named = count("create", "make-directory", "rename", "unlink");
    return [lane, count("write", "truncate"), count("sync"), named, count("acknowledge")] as const;
  });
  return html`${plotOf({
    id,
    title,
    description: describe(placed),
    width: WIDTH,
    height: bottom + 32,
    body,
    caption: `One column is one operation, in the order in which the process did it. ${caption}`,
  })}${tableOf({
    caption: `${title}: the same in numbers`,
    columns: ["file, or who hears of it", "writes", "fsync", "names changed", "messages"],
    rows,
  })}`;
};
