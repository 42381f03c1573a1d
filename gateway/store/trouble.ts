import { HubError, messageOf } from "../../protocol/errors.ts";

/** What a caller reads when the outbox cannot do what was asked; `waiting` is how many readings are safe in it. */
export const refusal = (doing: string, thrown: unknown, waiting: number): HubError => {
  const found = thrown instanceof HubError ? thrown : new HubError("outbox-poisoned", messageOf(thrown));
  const count = `(${waiting} readings waiting)`;
  const options = { cause: thrown, context: { ...found.context, waiting } };
  switch (found.code) {
    case "outbox-disk-full":
      return new HubError(
        found.code,
        `outbox ${doing}: disk full ${count}; not stored. It is accepted again as soon as there is room: free space, ` +
          "or let the backlog drain",
        options,
      );
    case "outbox-read-only":
      return new HubError(
        found.code,
        `outbox ${doing}: the disk cannot be written ${count}; not stored. Check that it is mounted for writing and ` +
          `that the hub owns it; a card that turns read-only is worn out (${found.message})`,
        options,
      );
    case "outbox-corrupt":
      return new HubError(
        found.code,
        `outbox ${doing}: the database is damaged ${count}; it is being checked and what can be read is saved. Try ` +
          `again in a moment (${found.message})`,
        options,
      );
    case "outbox-closed":
      return new HubError(found.code, `outbox ${doing}: the outbox is closed; start the hub again`, options);
    default:
      return new HubError(
        "outbox-poisoned",
        `outbox ${doing}: the disk reported an error ${count}; nothing is accepted until the outbox has been opened ` +
          `again and checked, which happens by itself. Replace the card if it returns (${found.message})`,
        options,
      );
  }
};

/** A full disk rolls back cleanly and the connection goes on. After anything else nothing is known of it. */
export const leavesConnectionSound = (thrown: unknown): boolean =>
  thrown instanceof HubError && thrown.code === "outbox-disk-full";
