import type { AssignmentId, HubId } from "./ids.ts";

/**
 * What the region asks of one hub, once: the payload of a JWS (RFC 7515) whose protected header has the type of its
 * purpose (`commandType`). protocol/schema/command-1.schema.json describes it.
 */
export interface Command {
  readonly schema: "command/1";
  /** UUID. The same id is the same command, however often it arrives. */
  readonly id: string;
  readonly hub: HubId;
  /** Rises with every command to this hub; one that is not above all before is refused. */
  readonly counter: number;
  /** ISO 8601 UTC; looked at only while the hub's clock is trusted. */
  readonly notBefore?: string;
  readonly expires?: string;
  readonly command: string;
  readonly body: unknown;
}

/** What becomes of what the former assignment left on the hub. */
export type Backlog = "deliver" | "seal" | "wipe";

/** `reassign`: from now on the readings are of another care relation. */
export interface ReassignBody {
  /** The one in force: a command that was overtaken does nothing. */
  readonly from: AssignmentId;
  readonly to: AssignmentId;
  readonly backlog: Backlog;
  /** With `wipe`: how many readings may be destroyed that nobody has received; default 0. */
  readonly waiting?: number;
  /** `leave` (default): bonds and learned serial numbers are forgotten. `stay`: the sensors go along. */
  readonly sensors?: "stay" | "leave";
}

/** `wipe`: everything measured that is on the hub is destroyed. */
export interface WipeBody {
  /** How many readings may be destroyed that nobody has received; default 0. */
  readonly waiting?: number;
}

/** `release-sealed`: send what was sealed when this epoch began. */
export interface ReleaseSealedBody {
  readonly epoch: number;
}

/** The JWS header `typ` of a command: a signature that was given for one purpose serves no other (RFC 8725 3.11). */
export const commandType = (command: string): string => `hemhub-${command}+json`;
