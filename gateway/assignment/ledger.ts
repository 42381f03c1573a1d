import type { Backlog } from "../../protocol/command.ts";
import type { AssignmentId, SensorId } from "../../protocol/ids.ts";

/**
 * A time in which the readings of one care relation are taken. It begins between two numbers of the outbox, while no
 * sensor is read: so a reading's number tells its epoch.
 */
export interface Epoch {
  /** 1, 2, 3 ... */
  readonly number: number;
  /** Null: the first, which nobody handed over. */
  readonly from: AssignmentId | null;
  readonly to: AssignmentId;
  /** The first number that may be of it, and the series of that number. */
  readonly series: string;
  readonly since: number;
  /** When the hub's clock was first trusted in it, milliseconds since 1970: what is before may be before it began. */
  readonly begunMs: number | null;
  readonly by: "first" | "command" | "configuration";
  readonly command: string | null;
  /** `released`: sealed at first, and asked for since. */
  readonly backlog: Backlog | "released";
}

/** Where an assignment stands: the hub's own, and each sensor's. */
export interface Place {
  /** As the configuration said when it was last looked at; null: the sensor follows the hub. */
  readonly configured: AssignmentId | null;
  readonly inForce: AssignmentId;
}

/** Who owns what is measured here, and since when. Immutable. */
export interface Ledger {
  readonly schema: "assignments/1";
  /** Newest last. */
  readonly epochs: readonly Epoch[];
  readonly hub: Place;
  readonly sensors: Readonly<Record<string, Place>>;
}

/** What the configuration says. */
export interface Configured {
  readonly hub: AssignmentId;
  readonly sensors: readonly { readonly id: SensorId; readonly assignment: AssignmentId | null }[];
}

/** The moment between two runs at which an epoch begins. */
export interface Moment {
  readonly series: string;
  /** The next number that the outbox will give. */
  readonly next: number;
  /** Null while the hub's clock is not trusted. */
  readonly utcMs: number | null;
}

export interface HandOver {
  readonly from: AssignmentId;
  readonly to: AssignmentId;
  readonly backlog: Backlog;
  readonly command: string;
}

/** Hand-overs that are remembered: a hub is given on a few times in its life. */
const MOST_EPOCHS = 64;

const withEpoch = (
  ledger: Ledger,
  epoch: Omit<Epoch, "number" | "series" | "since" | "begunMs">,
  at: Moment,
): Ledger => {
  const number = (ledger.epochs.at(-1)?.number ?? 0) + 1;
  const begun: Epoch = { ...epoch, number, series: at.series, since: at.next, begunMs: at.utcMs };
  return { ...ledger, epochs: [...ledger.epochs, begun].slice(-MOST_EPOCHS) };
};

const mapPlaces = (ledger: Ledger, change: (place: Place) => Place): Ledger => ({
  ...ledger,
  hub: change(ledger.hub),
  sensors: Object.fromEntries(Object.entries(ledger.sensors).map(([id, place]) => [id, change(place)])),
});

/** Everything that was stored before there was a ledger is of the first epoch, and so is what comes. */
const firstLedger = (configured: Configured, series: string): Ledger => {
  const first: Epoch = {
    number: 1,
    from: null,
    to: configured.hub,
    series,
    since: 1,
    begunMs: null,
    by: "first",
    command: null,
    backlog: "deliver",
  };
  const hub = { configured: configured.hub, inForce: configured.hub };
  return { schema: "assignments/1", epochs: [first], hub, sensors: {} };
};

/**
 * Meet the ledger with the configuration. What the file says of a place counts where it is new, or was changed by hand
 * since it was last looked at: that is a hand-over too, with the old readings delivered first. Else the ledger counts.
 */
export const metWith = (known: Ledger | null, configured: Configured, at: Moment): Ledger => {
  const ledger = known ?? firstLedger(configured, at.series);
  const moved = new Map<string, readonly [from: AssignmentId, to: AssignmentId]>();
  const meet = (place: Place | undefined, said: AssignmentId | null, follows: AssignmentId): Place => {
    const wanted = said ?? follows;
    if (place === undefined) return { configured: said, inForce: wanted };
    if (place.configured === said && (said !== null || place.inForce === follows)) return place;
    // A sensor that follows the hub goes where the hub goes, by hand as by command.
    if (place.inForce !== wanted) moved.set(`${place.inForce} ${wanted}`, [place.inForce, wanted]);
    return { configured: said, inForce: wanted };
  };
  const hub = meet(ledger.hub, configured.hub, configured.hub);
  const sensors = Object.fromEntries(
    configured.sensors.map(({ id, assignment }) => [id, meet(ledger.sensors[id], assignment, hub.inForce)]),
  );
  const met: Ledger = { ...ledger, hub, sensors };
  return [...moved.values()].reduce(
    (before, [from, to]) => withEpoch(before, { from, to, by: "configuration", command: null, backlog: "deliver" }, at),
    met,
  );
};

export const isInForce = ({ hub, sensors }: Ledger, assignment: AssignmentId): boolean =>
  [hub, ...Object.values(sensors)].some(({ inForce }) => inForce === assignment);

/** Whether anybody besides `assignment` is measured here. */
export const hasOthers = ({ hub, sensors }: Ledger, assignment: AssignmentId): boolean =>
  [hub, ...Object.values(sensors)].some(({ inForce }) => inForce !== assignment);

/** Wherever `from` is in force, `to` is. The same command again changes nothing. */
export const handedOver = (ledger: Ledger, { from, to, backlog, command }: HandOver, at: Moment): Ledger => {
  if (ledger.epochs.some((epoch) => epoch.command === command)) return ledger;
  const moved = mapPlaces(ledger, (place) => (place.inForce === from ? { ...place, inForce: to } : place));
  return withEpoch(moved, { from, to, by: "command", command, backlog }, at);
};

/** The clock is trusted for the first time: epochs that began before that began now, at the latest. */
export const clockTrusted = (ledger: Ledger, utcMs: number): Ledger => ({
  ...ledger,
  epochs: ledger.epochs.map((epoch) =>
    epoch.begunMs === null && epoch.from !== null ? { ...epoch, begunMs: utcMs } : epoch,
  ),
});

/** What was sealed when epoch `number` began may go. Null where nothing was. */
export const released = (ledger: Ledger, number: number): Ledger | null => {
  const isIt = (epoch: Epoch): boolean => epoch.number === number && epoch.backlog !== "deliver";
  if (!ledger.epochs.some((epoch) => isIt(epoch) && epoch.backlog !== "wipe")) return null;
  const epochs = ledger.epochs.map((epoch): Epoch => (isIt(epoch) ? { ...epoch, backlog: "released" } : epoch));
  return { ...ledger, epochs };
};

/**
 * Since when readings of `assignment` are taken here. `always`: from the first epoch on. `null`: since a moment that no
 * trusted clock has seen.
 */
export const begunOf = ({ epochs }: Ledger, assignment: AssignmentId): number | null | "always" => {
  const epoch = epochs.findLast(({ to, from }) => to === assignment && from !== null);
  return epoch === undefined ? "always" : epoch.begunMs;
};
