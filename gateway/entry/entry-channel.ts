import { randomUUID } from "node:crypto";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { EntryDesk } from "./entry-desk.ts";
import type { EnteredBy } from "./entry-reading.ts";
import { createEntryRequestReader, type EntryRequestReader } from "./entry-request.ts";
import { createUnfinished, type Unfinished } from "./unfinished.ts";
import { quoted, wrongEntry } from "./wrong-entry.ts";

/** One way in for people: who is at its other end, and what they have begun. */
export interface EntryChannel {
  readonly desk: EntryDesk;
  readonly unfinished: Unfinished;
  readonly readRequest: EntryRequestReader;
  /** Who enters, by the word given or by the channel. Throws HubError `invalid-argument`. */
  by(word: string | null): EnteredBy;
  /** The entry id given, or a new one. Throws HubError `invalid-argument` for what is no UUID. */
  entryId(word: string | null): string;
}

export interface EntryChannelOptions {
  readonly desk: EntryDesk;
  /**
   * The role at the other end. `isStated`: a program speaks there for people (the page), and may say for whom; only the
   * hub's own user can open the socket. The console is the technician's, whatever is typed there.
   */
  readonly by: EnteredBy;
  readonly isStated: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const createEntryChannel = ({ desk, by, isStated, clock, logger }: EntryChannelOptions): EntryChannel => ({
  desk,
  unfinished: createUnfinished(clock, logger),
  readRequest: createEntryRequestReader(),
  by: (word) => {
    if (word === null || word === by) return by;
    if (word !== "patient" && word !== "technician") {
      throw wrongEntry(`by: ${quoted(word)} is no role`, "say patient or technician, never a name");
    }
    if (!isStated) throw wrongEntry(`by: here the ${by} enters`, "leave by= out");
    return word;
  },
  entryId: (word) => {
    if (word === null) return randomUUID();
    if (UUID.test(word)) return word.toLowerCase();
    throw wrongEntry("id: is no UUID", "leave it out, or give the one of the form");
  },
});
