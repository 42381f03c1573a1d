import { HubError } from "../../protocol/errors.ts";
import type { OutboxDepth } from "../../protocol/ports/outbox.ts";
import { type Args, type DiagnosticCommand, data, type Line, text } from "../diagnostics/command.ts";
import { WIDTH, wrap } from "../diagnostics/layout.ts";

export interface EraseParts {
  depth(): OutboxDepth;
  /** See ControlPart. */
  erase(waiting: number): Promise<void>;
}

const USAGE = "erase alone says what would be destroyed; erase confirm, or erase confirm <count> where readings wait";

/** Null: only asked. Throws HubError `invalid-argument`. */
const confirmedOf = ([word, count, ...more]: Args): number | null => {
  if (word === undefined) return null;
  const named = count === undefined ? 0 : /^\d{1,15}$/.test(count) ? Number(count) : null;
  if (word !== "confirm" || named === null || more.length > 0) {
    throw new HubError("invalid-argument", `erase: expected confirm and a count; ${USAGE}`);
  }
  return named;
};

const numbers = ({ waiting, refused, newest }: OutboxDepth): string =>
  `${waiting} readings wait that the region has not received, ${refused} were refused by it; the last number is ${newest ?? 0}`;

/** `erase`: destroy everything measured on this hub, as when it is given back. */
export const eraseCommand = ({ depth, erase }: EraseParts): DiagnosticCommand => ({
  name: "erase",
  usage: "[confirm [count]]",
  summary: "destroy everything measured on this hub",
  role: "service",
  async *run(args): AsyncIterable<Line> {
    const confirmed = confirmedOf(args);
    const now = depth();
    const { waiting, refused, newest } = now;
    const found = { waiting, refused, lastSeq: newest ?? 0 };
    if (confirmed === null) {
      for (const line of wrap(`To be destroyed: ${numbers(now)}.`, WIDTH)) yield text(line);
      const words = waiting === 0 ? "erase confirm" : `erase confirm ${waiting}`;
      for (const line of wrap(`Nothing was destroyed. To destroy it for good: ${words}`, WIDTH)) yield text(line);
      return yield data({ state: "asked", ...found });
    }
    await erase(confirmed);
    const sentence = `Being destroyed: ${numbers(now)}. The hub stops its parts for that and begins anew; assignment and the region's \`reported\` have the proof.`;
    for (const line of wrap(sentence, WIDTH)) yield text(line);
    yield data({ state: "accepted", ...found });
  },
});
