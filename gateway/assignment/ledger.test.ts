import { describe, expect, it } from "vitest";
import { assignmentId, sensorId } from "../../protocol/ids.ts";
import {
  begunOf,
  type Configured,
  clockTrusted,
  handedOver,
  type Ledger,
  type Moment,
  metWith,
  released,
} from "./ledger.ts";

const [ANNA, BERIT, CARL] = ["anna", "berit", "carl"].map(assignmentId) as [
  ReturnType<typeof assignmentId>,
  ReturnType<typeof assignmentId>,
  ReturnType<typeof assignmentId>,
];
const at = (next: number, utcMs: number | null = next * 1000): Moment => ({ series: "5e71e5000001", next, utcMs });
const configured = (hub = ANNA, ...own: readonly (typeof ANNA | null)[]): Configured => ({
  hub,
  sensors: own.map((assignment, i) => ({ id: sensorId(`s${i}`), assignment })),
});
const inForce = ({ hub, sensors }: Ledger): readonly string[] => [
  hub.inForce,
  ...Object.values(sensors).map((place) => place.inForce),
];
const order = (from: typeof ANNA, to: typeof ANNA, command = "c1") =>
  ({ from, to, backlog: "deliver", command }) as const;

describe("the ledger of assignments", () => {
  it("begins with what the configuration says, for everything that was stored before", () => {
    const ledger = metWith(null, configured(ANNA, null, CARL), at(90));
    expect(inForce(ledger)).toEqual([ANNA, ANNA, CARL]);
    expect(ledger.epochs).toMatchObject([{ number: 1, from: null, to: ANNA, since: 1, begunMs: null }]);
    expect(begunOf(ledger, ANNA)).toBe("always");
  });

  it("hands over wherever the assignment is in force, and to nobody else's sensor", () => {
    const ledger = handedOver(metWith(null, configured(ANNA, null, CARL, ANNA), at(1)), order(ANNA, BERIT), at(7));
    expect(inForce(ledger)).toEqual([BERIT, BERIT, CARL, BERIT]);
    expect(ledger.epochs.at(-1)).toMatchObject({ number: 2, from: ANNA, to: BERIT, since: 7, by: "command" });
    expect(begunOf(ledger, BERIT)).toBe(7000);
    expect(begunOf(ledger, CARL)).toBe("always");
  });

  it("is the same after the same command again", () => {
    const once = handedOver(metWith(null, configured(), at(1)), order(ANNA, BERIT), at(7));
    expect(handedOver(once, order(ANNA, BERIT), at(9))).toBe(once);
  });

  it("goes before a configuration that nobody touched, and behind one that was changed by hand", () => {
    const given = handedOver(metWith(null, configured(ANNA, null), at(1)), order(ANNA, BERIT), at(7));
    expect(metWith(given, configured(ANNA, null), at(9))).toEqual(given);
    const caughtUp = metWith(given, configured(BERIT, null), at(9));
    expect([inForce(caughtUp), caughtUp.epochs.length]).toEqual([[BERIT, BERIT], 2]);
    const byHand = metWith(caughtUp, configured(CARL, null), at(11));
    expect(inForce(byHand)).toEqual([CARL, CARL]);
    expect(byHand.epochs.at(-1)).toMatchObject({ number: 3, from: BERIT, to: CARL, since: 11, by: "configuration" });
  });

  it("takes a sensor that gets, changes or loses an assignment of its own as handed over, and a new one as it comes", () => {
    const start = metWith(null, configured(ANNA, null), at(1));
    const own = metWith(start, configured(ANNA, CARL), at(5));
    expect(own.epochs.at(-1)).toMatchObject({ from: ANNA, to: CARL, since: 5 });
    const back = metWith(own, configured(ANNA, null), at(6));
    expect(back.epochs.at(-1)).toMatchObject({ from: CARL, to: ANNA, since: 6 });
    const more = metWith(back, configured(ANNA, null, null, CARL), at(7));
    expect([inForce(more), more.epochs.length]).toEqual([[ANNA, ANNA, ANNA, CARL], 3]);
  });

  it("lets a new sensor follow the assignment in force, not the one that the file still says", () => {
    const given = handedOver(metWith(null, configured(ANNA), at(1)), order(ANNA, BERIT), at(7));
    expect(inForce(metWith(given, configured(ANNA, null), at(9)))).toEqual([BERIT, BERIT]);
  });

  it("says when the clock was trusted first where nobody knows when it began", () => {
    const ledger = handedOver(metWith(null, configured(), at(1)), order(ANNA, BERIT), at(7, null));
    expect(begunOf(ledger, BERIT)).toBeNull();
    expect(begunOf(clockTrusted(clockTrusted(ledger, 50_000), 60_000), BERIT)).toBe(50_000);
  });

  it("releases what was sealed, once and again, and nothing else", () => {
    const sealing = handedOver(metWith(null, configured(), at(1)), { ...order(ANNA, BERIT), backlog: "seal" }, at(7));
    expect(released(sealing, 2)?.epochs.at(-1)?.backlog).toBe("released");
    expect(released(released(sealing, 2) ?? sealing, 2)).not.toBeNull();
    expect([released(sealing, 1), released(sealing, 3)]).toEqual([null, null]);
  });
});
