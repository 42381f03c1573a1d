import type { ReassignBody, ReleaseSealedBody, WipeBody } from "../../protocol/command.ts";
import type { CommandRefusal } from "../../protocol/desired.ts";
import type { Assignments } from "../assignment/assignments.ts";
import { hasOthers, isInForce, type Ledger } from "../assignment/ledger.ts";

export interface Refusal {
  readonly code: CommandRefusal;
  readonly reason: string;
}

/** What a command is judged by. */
export interface Situation {
  readonly ledger: Ledger;
  /** Readings that nobody has received. */
  readonly waiting: number;
}

/**
 * One command of this release, its body checked by the schema. `between`: it is carried out while no part of the hub
 * works (control.ts). Else at once, by a function that may be called again after a cut.
 */
export interface CommandKind {
  refusal(body: unknown, situation: Situation): Refusal | null;
  readonly perform: "between" | ((body: unknown) => Promise<Refusal | null>);
}

export type CommandKinds = ReadonlyMap<string, CommandKind>;

const notBelow = (named: number | undefined, waiting: number): Refusal | null =>
  waiting <= (named ?? 0)
    ? null
    : {
        code: "readings-wait",
        reason: `${waiting} readings wait that nobody has received, and the command names ${named ?? 0}`,
      };

const reassignRefusal = (given: unknown, { ledger, waiting }: Situation): Refusal | null => {
  const { from, to, backlog, waiting: named } = given as ReassignBody;
  if (!isInForce(ledger, from)) {
    return { code: "other-assignment", reason: "the assignment that it takes over from is not in force here" };
  }
  if (from === to) return { code: "other-assignment", reason: "it hands over from an assignment to the same" };
  if (backlog === "deliver") return null;
  if (hasOthers(ledger, from)) {
    const reason = `others are measured here too, and to ${backlog} would concern their readings as well; deliver`;
    return { code: "several-persons", reason };
  }
  return backlog === "wipe" ? notBelow(named, waiting) : null;
};

/** The commands that this release carries out; a later one adds a line, and a definition in the schema. */
export const commandKinds = (assignments: () => Pick<Assignments, "release">): CommandKinds =>
  new Map<string, CommandKind>([
    ["wipe", { refusal: (body, { waiting }) => notBelow((body as WipeBody).waiting, waiting), perform: "between" }],
    ["reassign", { refusal: reassignRefusal, perform: "between" }],
    [
      "release-sealed",
      {
        refusal: () => null,
        perform: async (body) => {
          const { epoch } = body as ReleaseSealedBody;
          if (await assignments().release(epoch)) return null;
          return { code: "no-such-epoch", reason: `nothing was sealed when epoch ${epoch} began` };
        },
      },
    ],
  ]);
