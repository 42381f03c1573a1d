import { describe, expect, it } from "vitest";
import { type LungBlow, vitalographTestFrame } from "../../hardware-sim/serial/vitalograph-frames.ts";
import { decimal } from "../decode/float.ts";
import { decodeVitalographTest } from "../decode/vitalograph.ts";
import type { Measurement } from "./reading.ts";
import { spirometry, vitalographTest } from "./spirometry.ts";

const BLOW: LungBlow = { pef: 332, fev075: 287, fev1: 323, fev6: 423, fef2575: 275 };
const AT = Date.UTC(2026, 5, 15, 13, 59, 50);

const measured = (blow: Partial<LungBlow>, layout: "F" | "G" = "G"): Measurement => {
  const decoded = decodeVitalographTest(vitalographTestFrame(layout, "185100", { ...BLOW, ...blow }, AT));
  if (decoded.tag === "malformed") throw new Error(decoded.detail);
  return vitalographTest(decoded.record);
};

describe("a blow into a lung monitor", () => {
  it("becomes PEF, FEV1 and FEV1/FEV6 under their checked codes, in the table's units and the sent precision", () => {
    expect(measured({})).toEqual({
      kind: "spirometry",
      status: "final",
      values: [
        { mdc: 152584, name: "MDC_FLOW_AWAY_EXP_FORCED_PEAK", value: 332, decimals: 0, unit: "L/min" },
        { mdc: 152586, name: "MDC_VOL_AWAY_EXP_FORCED_1S", value: 3.23, decimals: 2, unit: "L" },
        { mdc: 188936, name: "MDC_RATIO_AWAY_EXP_FORCED_FEV1_FEV6", value: 76, decimals: 0, unit: "%" },
      ],
      supplemental: [],
      context: { manoeuvre: "single" },
      flags: [],
      quality: [],
      time: { year: 2026, month: 6, day: 15, hour: 13, minute: 59, second: 50 },
      device: { serial: "0000185100" },
    });
  });

  it("keeps 3.20 L apart from 3.2 L", () => {
    expect(measured({ fev1: 320 }).values[1]).toMatchObject({ value: 3.2, decimals: 2 });
  });

  it("publishes no FEV6, whose code two sources dispute", () => {
    expect(measured({}).values.map(({ mdc }) => mdc)).not.toContain(152587);
  });

  it("has no PEF in layout F, which has no place for one, rather than a missing one", () => {
    expect(measured({}, "F").values.map(({ mdc }) => mdc)).toEqual([152586, 188936]);
  });

  it("says that a value is missing where the monitor sent zeros", () => {
    const { values, status } = measured({ pef: 0 });
    expect(values[0]).toEqual({
      mdc: 152584,
      name: "MDC_FLOW_AWAY_EXP_FORCED_PEAK",
      value: null,
      absent: "unknown",
    });
    expect(status).toBe("final");
  });

  it("was not performed when the monitor has no value at all", () => {
    const { values, status } = measured({ pef: 0, fev075: 0, fev1: 0, fev6: 0, fef2575: 0 });
    expect(status).toBe("not-performed");
    expect(values.map(({ value }) => value)).toEqual([null, null, null]);
  });

  it.each<[string, Partial<LungBlow>, readonly string[]]>([
    ["that the monitor did not accept", { good: false }, ["poor-effort"]],
    ["with a flow beyond the monitor's range", { pef: 841 }, ["out-of-range"]],
    ["with a volume at the end of the monitor's range", { fev1: 900, fev6: 999 }, ["out-of-range"]],
    ["with more air after 0.75 s than after 1 s", { fev075: 330 }, ["inconsistent"]],
    ["with more air after 1 s than after 6 s", { fev1: 430 }, ["inconsistent"]],
  ])("%s is questionable, and its values stay", (_what, blow, flags) => {
    const measurement = measured(blow);
    expect(measurement).toMatchObject({ status: "final", flags, quality: ["questionable"] });
    expect(measurement.values.every(({ value }) => value !== null)).toBe(true);
  });

  it("is questionable when its ratio is not that of its volumes", () => {
    const decoded = decodeVitalographTest(vitalographTestFrame("G", "1", BLOW, AT));
    if (decoded.tag === "malformed") throw new Error(decoded.detail);
    const moved = { ...decoded.record, fev1Fev6: decimal(67, 0) };
    expect(vitalographTest(moved).flags).toEqual(["inconsistent"]);
  });

  it("at the edges of what a monitor may round is not questionable", () => {
    for (let fev1 = 287; fev1 <= 423; fev1++) expect(measured({ fev1 }).flags, `${fev1}`).toEqual([]);
  });
});

describe("a spirometer that measures the vital capacity", () => {
  it("has FVC and FEV1/FVC under their checked codes, and nothing of what it does not measure", () => {
    const blow = { fev1: decimal(323, 2), fvc: decimal(430, 2), fev1Fvc: decimal(751, 1) };
    const { values } = spirometry(blow, { flags: [], quality: [], time: null });
    expect(values).toEqual([
      { mdc: 152586, name: "MDC_VOL_AWAY_EXP_FORCED_1S", value: 3.23, decimals: 2, unit: "L" },
      { mdc: 188928, name: "MDC_VOL_AWAY_EXP_FORCED_CAPACITY", value: 4.3, decimals: 2, unit: "L" },
      { mdc: 188948, name: "MDC_RATIO_AWAY_EXP_FORCED_1S_FVC", value: 75.1, decimals: 1, unit: "%" },
    ]);
  });

  it("makes no number of a special value", () => {
    const blow = { fvc: { tag: "special", special: "not-a-number" } } as const;
    const measurement = spirometry(blow, { flags: [], quality: [], time: null });
    expect(measurement.values).toMatchObject([{ value: null, absent: "not-a-number" }]);
    expect(measurement.status).toBe("not-performed");
  });
});
