import { HubError, messageOf } from "./errors.ts";
import type { AssignmentId, HubId } from "./ids.ts";

/**
 * Topic `desired`, retained, region to hub: `{"schema":"desired/1","commands":["<compact JWS>", ...], ...}`. What can
 * harm stands in `commands`, each signed (command.ts); every other part has its own version inside. A part that a hub
 * does not know is reported as not understood, and the others are carried out.
 */
export interface Desired {
  readonly commands: readonly string[];
  /** Everything but `schema` and `commands`, by name. */
  readonly parts: ReadonlyMap<string, unknown>;
  readonly notUnderstood: readonly NotUnderstood[];
}

export interface NotUnderstood {
  readonly part: string;
  readonly reason: string;
}

/** Commands in one message. The region takes out what was reported as done or refused. */
export const MOST_COMMANDS = 16;
/** Characters of one signed command: a body of some hundred bytes, in base64, fits many times. */
export const LONGEST_COMMAND = 8192;
/** Parts besides commands; the design names four. */
const MOST_PARTS = 16;
const PART_NAME = /^[A-Za-z][A-Za-z0-9-]{0,39}$/;

const bad = (found: string): HubError =>
  new HubError("invalid-argument", `desired state from the region: ${found}; nothing of it is carried out`);

const commandsOf = (given: unknown, notUnderstood: NotUnderstood[]): readonly string[] => {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    notUnderstood.push({ part: "commands", reason: "not a list" });
    return [];
  }
  const list = given as readonly unknown[];
  if (list.length > MOST_COMMANDS) {
    const reason = `${list.length} commands, at most ${MOST_COMMANDS} in one message; the others are not looked at`;
    notUnderstood.push({ part: "commands", reason });
  }
  return list.slice(0, MOST_COMMANDS).filter((one, i): one is string => {
    const fits = typeof one === "string" && one.length <= LONGEST_COMMAND;
    if (!fits)
      notUnderstood.push({ part: `commands[${i}]`, reason: `not a text of at most ${LONGEST_COMMAND} characters` });
    return fits;
  });
};

/**
 * Parse a desired payload; an empty one (the retained message was cleared) asks for nothing. Throws HubError
 * `invalid-argument` where it is no `desired/1`.
 */
export const parseDesired = (payload: Uint8Array): Desired => {
  if (payload.length === 0) return { commands: [], parts: new Map(), notUnderstood: [] };
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (thrown) {
    throw bad(`not JSON (${messageOf(thrown)})`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw bad("not an object");
  const { schema, commands, ...rest } = parsed as Record<string, unknown>;
  if (schema !== "desired/1") throw bad("`schema` is not desired/1, the only version that this hub understands");
  const notUnderstood: NotUnderstood[] = [];
  const signed = commandsOf(commands, notUnderstood);
  const named = Object.entries(rest);
  const wrong = named.filter(([part]) => !PART_NAME.test(part)).length + Math.max(0, named.length - MOST_PARTS);
  if (wrong > 0) notUnderstood.push({ part: "(others)", reason: `${wrong} parts with no name of a part, or too many` });
  const parts = named.filter(([part]) => PART_NAME.test(part)).slice(0, MOST_PARTS);
  return { commands: signed, parts: new Map(parts), notUnderstood };
};

/** Why a command was not carried out. */
export type CommandRefusal =
  /** No key of the region is configured, or none could be read. */
  | "no-keys"
  | "malformed"
  /** None or another signature algorithm than EdDSA and ES256. */
  | "algorithm"
  | "signature"
  /** The header's type is not the one of the command: it was signed for another purpose. */
  | "wrong-type"
  | "other-hub"
  /** The counter is not above that of an earlier command. */
  | "replayed"
  /** The same id was signed with other content. */
  | "id-reused"
  | "not-yet-valid"
  | "expired"
  /** This release has no such command. */
  | "unknown-command"
  /** The assignment that it takes over from is not in force. */
  | "other-assignment"
  /** More readings wait than the command names. */
  | "readings-wait"
  /** Wiping would take the readings of other people of this home. */
  | "several-persons"
  | "no-such-epoch";

/** How far a command came. `accepted`: durable, and going to be carried out whatever happens to the power. */
export interface CommandOutcome {
  readonly id: string;
  readonly command: string;
  readonly counter: number | null;
  readonly state: "accepted" | "done" | "refused";
  readonly code: CommandRefusal | null;
  readonly reason: string | null;
}

/** A command that nobody need have signed: named by the SHA-256 of its text (first 16 hex digits), not by what it says. */
export interface RefusedCommand {
  readonly ref: string;
  readonly code: CommandRefusal;
  readonly reason: string;
}

/** What was destroyed, and which numbers of which series it had. */
export interface ErasedView {
  readonly series: string;
  readonly lastSeq: number;
  /** Destroyed, and received by nobody. */
  readonly waiting: number;
  readonly refused: number;
  /** `destroyed`: the key or its erasable half is gone. `kept`: see docs/region.md, Erasing. */
  readonly key: "destroyed" | "kept";
  readonly at: string | null;
  readonly by: "region" | "technician";
}

/** One hand-over, as the region sees it. */
export interface EpochView {
  readonly epoch: number;
  readonly from: AssignmentId | null;
  readonly to: AssignmentId;
  readonly series: string;
  /** First sequence number of the epoch. */
  readonly since: number;
  /** ISO 8601 UTC; null while the hub's clock was never trusted in it. */
  readonly begun: string | null;
  readonly by: "first" | "command" | "configuration";
  readonly backlog: "deliver" | "seal" | "wipe" | "released";
  /** Readings of before that still wait, sealed or for delivery. */
  readonly waiting: number;
}

/** Why an update waits, was refused or was taken back: a code for programs, a sentence for people. */
export interface ReleaseReason {
  readonly code: string;
  readonly sentence: string;
}

/** How a campaign ended on this hub. */
export interface ReleaseOutcome {
  readonly result: "installed" | "rejected" | "rolled-back" | "failed-retryable" | "cancelled";
  readonly campaign: string;
  readonly target: string;
  readonly counter: number;
  readonly code: string | null;
  /** ISO 8601 UTC; null where the hub did not know the time. */
  readonly at: string | null;
}

/** What runs on a hub, and how far an update is (docs/updates.md). Campaign, target and counter: of the one under way. */
export interface ReportedRelease {
  /** What the hub is about to do or doing: `idle`, `checking`, ... `trial`, `rolling-back`. */
  readonly state: string;
  readonly campaign: string | null;
  readonly target: string | null;
  readonly counter: number | null;
  /** Why it waits or is taken back; null where it does not. */
  readonly reason: ReleaseReason | null;
  /** `image` null: what the hub was installed with. `slot`: `trial`, `current`, `previous`, `base`, `rescue`. */
  readonly running: { readonly image: string | null; readonly counter: number; readonly slot: string };
  /** Newest first; at most 8. A region that misses a message reads them in the next. */
  readonly outcomes: readonly ReleaseOutcome[];
}

/** The region's catalogue of certified sensors on a hub (docs/catalogue.md). */
export interface CatalogueReport {
  /** The signed catalogue that lies here; null: none, the one of the release counts. */
  readonly target: string | null;
  readonly counter: number | null;
  /** `installing` until it counts: also while somebody is being measured. */
  readonly state: "idle" | "installing" | "failed" | "refused";
  /** Why the wanted one is not in force. */
  readonly code: string | null;
  readonly reason: string | null;
}

/** Topic `reported`, retained, hub to region: what is applied, and why not. */
export interface Reported {
  readonly schema: "reported/1";
  readonly hubId: HubId;
  readonly at: string | null;
  readonly assignment: AssignmentId;
  /** Newest last; at most 16. */
  readonly epochs: readonly EpochView[];
  /** The highest counter that was accepted: the next command needs a higher one. */
  readonly counter: number;
  readonly commands: readonly CommandOutcome[];
  readonly refused: readonly RefusedCommand[];
  readonly erased: ErasedView | null;
  /** Null where this hub takes no updates. */
  readonly release: ReportedRelease | null;
  /** Null as well. */
  readonly catalogue: CatalogueReport | null;
  readonly notUnderstood: readonly NotUnderstood[];
}

/** UTF-8 JSON. */
export const encodeReported = (reported: Reported): Uint8Array => new TextEncoder().encode(JSON.stringify(reported));

/**
 * Assignment of a reading that was measured before a hand-over, or may have been, and was read after it: the hub does
 * not know whose it is and does not guess. The region may, from what it has of that sensor.
 */
export const UNASSIGNED = "unassigned" as AssignmentId;
