import { type DiagnosticCommand, data, type Line, text } from "../diagnostics/command.ts";
import { labelled } from "../diagnostics/layout.ts";
import type { Epoch, Ledger } from "./ledger.ts";

const LABEL_WIDTH = 11;

export interface AssignmentView {
  readonly ledger: Ledger;
  /** See EpochGate. */
  waitingBefore(epoch: Epoch): number;
}

const formerText = (epoch: Epoch, waiting: number): string => {
  switch (epoch.backlog) {
    case "deliver":
      return waiting === 0
        ? "what was measured before is delivered"
        : `${waiting} readings from before are delivered first; new ones wait for that`;
    case "seal":
      return `${waiting} readings from before are sealed; the region may ask for them`;
    case "released":
      return "what was sealed is released";
    case "wipe":
      return "what was measured before was destroyed";
  }
};

/** `assignment`: whose readings are taken, since when, and what of the former assignment is still here. */
export const assignmentCommand = (view: AssignmentView): DiagnosticCommand => ({
  name: "assignment",
  summary: "whose readings are taken, and what waits from before",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const { hub, sensors, epochs } = view.ledger;
    const put = (label: string, value: string): readonly Line[] => labelled(label, value, LABEL_WIDTH).map(text);
    yield* put("hub", hub.inForce);
    const own = Object.entries(sensors).filter(([, { inForce }]) => inForce !== hub.inForce);
    for (const [sensor, { inForce }] of own) yield* put("sensor", `${sensor}: ${inForce}`);
    const listed = epochs.map((epoch) => ({ ...epoch, waiting: view.waitingBefore(epoch) }));
    for (const epoch of listed) {
      const begun = epoch.begunMs === null ? "" : `, begun ${new Date(epoch.begunMs).toISOString().slice(0, 16)}Z`;
      const from = epoch.from === null ? "" : ` (before: ${epoch.from})`;
      yield* put(`epoch ${epoch.number}`, `${epoch.to} from number ${epoch.since}${from}${begun}`);
      if (epoch.from !== null) yield* put("", formerText(epoch, epoch.waiting));
    }
    yield data({
      hub: hub.inForce,
      sensors: Object.fromEntries(own.map(([id, { inForce }]) => [id, inForce])),
      epochs: listed,
    });
  },
});
