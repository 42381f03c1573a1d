import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { seconds } from "../../protocol/time.ts";
import { createLungMonitor } from "./lung-monitor.ts";
import { meterBench } from "./meter-bench.ts";
import { type LungBlow, lungRatio, vitalographFrame } from "./vitalograph-frames.ts";

const BLOW: LungBlow = { pef: 332, fev075: 287, fev1: 323, fev6: 423, fef2575: 275 };
const ACK = fromHex("06");
const NAK = fromHex("15");

const bench = () => meterBench((options) => createLungMonitor({ ...options, layout: "G", serial: "185100" }));
const textOf = (hex: string | undefined): string => Buffer.from(fromHex(hex ?? "")).toString("latin1");

describe("simulated lung monitor", () => {
  it("says a blow at once, between STX, ETX and its check octet", async () => {
    const { meter, settle } = bench();
    meter.blow(BLOW);
    const [sent] = await settle();
    const text = textOf(sent);
    expect(text.slice(1, 14)).toBe("GTD0000185100");
    expect(text.slice(14, 32)).toBe("332287323423076275");
    expect(text.slice(53, 65)).toBe("260615120000");
    expect(fromHex(sent ?? "").reduce((check, octet) => check ^ octet, 0)).toBe(0);
  });

  it("says it again until it is acknowledged, at once where it is refused, and then the next", async () => {
    const { meter, settle, clock } = bench();
    meter.blow(BLOW);
    meter.blow({ ...BLOW, pef: 400 });
    const [first] = await settle();
    await clock.advance(seconds(3));
    expect(await settle()).toEqual([first]);
    meter.receive(NAK);
    expect(await settle()).toEqual([first]);
    expect([meter.refusals, meter.waiting]).toEqual([1, 2]);
    meter.receive(ACK);
    expect(textOf((await settle())[0]).slice(14, 17)).toBe("400");
    expect(meter.measurements.map(({ delivery }) => delivery)).toEqual(["sent", "waiting"]);
    meter.receive(ACK);
    await settle();
    expect(meter.waiting).toBe(0);
    await meter[Symbol.asyncDispose]();
  });

  it("does not take an acknowledgement for what it has not said", async () => {
    const { meter, settle, state } = bench();
    state.heard = false;
    meter.receive(ACK);
    meter.blow(BLOW);
    await settle();
    meter.receive(ACK);
    expect(meter.waiting).toBe(1);
    await meter[Symbol.asyncDispose]();
  });

  it("remembers every command, because no hub may send one", async () => {
    const { meter } = bench();
    meter.receive(vitalographFrame("GVCM").subarray(0, 3));
    expect(meter.violations).toEqual(["02", "47", "56"]);
  });

  it("knows no ratio without FEV6", () => {
    expect(lungRatio({ ...BLOW, fev6: 0 })).toBe(0);
  });
});
