import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { ASTM, astmFrame, astmFrames } from "./astm-frames.ts";
import { MAX_ATTEMPTS, NEUTRAL, nextSender, type SenderEvent, type SenderState } from "./astm-sender.ts";
import { createContourMeter } from "./contour-meter.ts";
import { contourHeader, contourResult } from "./contour-records.ts";
import { asText } from "./local-parts.ts";
import { meterBench } from "./meter-bench.ts";

const PRODUCT = "Bayer7390^01.24\\01.04\\09.02.20^7390-2336773^7403-";
const [ENQ, ACK, NAK, EOT] = ["05", "06", "15", "04"] as const;

/** The header frame of a Contour USB (v185), without the EOT before and the ENQ after it. */
const PUBLISHED_FRAME =
  "0231487c5c5e267c7c3777334c424c7c4261796572373339305e30312e32345c30312e30345c30392e30322e32305e373339302d323333363737" +
  "335e373430332d7c413d315e433d36335e473d315e493d303230305e523d305e533d315e553d305e563d31303630305e583d3037303037303037" +
  "303037303138303133303135303235305e593d3336303132363039303035303039393035303330303038395e5a3d317c313731347c7c7c7c7c7c" +
  "317c3230313930393232313330340d1744370d0a";

describe("ASTM frames", () => {
  it("are that of a Contour USB (v185), sum included", () => {
    const header = contourHeader({
      product: PRODUCT,
      unit: "mg/dL",
      count: 1714,
      shownMs: Date.UTC(2019, 8, 22, 13, 4),
    });
    expect(toHex(astmFrame(1, header, true))).toBe(PUBLISHED_FRAME);
  });

  it("carry the published result (v187)", () => {
    const at = Date.UTC(2012, 1, 5, 20, 34);
    // The published one has a further mark, X, of which no source says what it means.
    expect(contourResult(8, { mgPerDl: 133, meal: "before" }, "mg/dL", at)).toBe(
      "R|8|^^^Glucose|133|mg/dL^P||B||201202052034",
    );
    expect(contourResult(9, { mgPerDl: 112, mmolTenths: 62, control: true }, "mmol/L", at)).toBe(
      "R|9|^^^Glucose|6.2|mmol/L^P||C||201202052034",
    );
    expect(contourResult(9, { mgPerDl: 600, range: "above" }, "mg/dL", at)).toContain("|600|mg/dL^P||>||");
  });

  it("are numbered 1 to 7 and 0, and only the last ends with ETX", () => {
    const frames = astmFrames(Array.from({ length: 9 }, (_, index) => `X|${index}`)).map(asText);
    expect(frames.map((frame) => frame[1]).join("")).toBe("123456701");
    expect(frames.map((frame) => frame.at(-5)?.charCodeAt(0))).toEqual([...Array(8).fill(ASTM.ETB), ASTM.ETX]);
  });
});

describe("ASTM sender", () => {
  const run = (events: readonly (SenderEvent | number)[], frames = 3) => {
    let state: SenderState = NEUTRAL;
    const said: (number | string)[] = [];
    for (const event of events) {
      const step = nextSender(state, typeof event === "number" ? { tag: "heard", octet: event } : event, frames);
      state = step.state;
      said.push(...step.effects.map((one) => (one.tag === "send" ? one.octet : `frame ${one.index}`)));
    }
    return { said, state: state.tag };
  };
  const START: SenderEvent = { tag: "start" };
  const TIMEOUT: SenderEvent = { tag: "timeout" };

  it("bids, sends frame after frame, and gives the line back", () => {
    expect(run([START, ASTM.ACK, ASTM.ACK, ASTM.ACK, ASTM.ACK])).toEqual({
      said: [ASTM.ENQ, "frame 0", "frame 1", "frame 2", ASTM.EOT],
      state: "neutral",
    });
  });

  it("sends a refused frame again, six times in all", () => {
    expect(run([START, ASTM.ACK, ASTM.NAK, ASTM.ACK]).said).toEqual([ASTM.ENQ, "frame 0", "frame 0", "frame 1"]);
    const refusals = Array.from({ length: MAX_ATTEMPTS }, () => ASTM.NAK);
    const { said, state } = run([START, ASTM.ACK, ...refusals]);
    expect(said.filter((one) => one === "frame 0")).toHaveLength(MAX_ATTEMPTS);
    expect([said.at(-1), state]).toEqual([ASTM.EOT, "neutral"]);
  });

  it("gives the line up when nobody answers, or when the other side asks for it", () => {
    for (const ending of [TIMEOUT, ASTM.EOT]) {
      expect(run([START, ending])).toEqual({ said: [ASTM.ENQ, ASTM.EOT], state: "neutral" });
      expect(run([START, ASTM.ACK, ending])).toEqual({ said: [ASTM.ENQ, "frame 0", ASTM.EOT], state: "neutral" });
    }
  });

  it("bids when the hub says EOT, and lets the hub command it after it refused the bid", () => {
    expect(run([ASTM.EOT])).toEqual({ said: [ASTM.ENQ], state: "bidding" });
    expect(run([START, ASTM.NAK, ASTM.ENQ])).toEqual({ said: [ASTM.ENQ, ASTM.EOT, ASTM.ACK], state: "command" });
    expect(run([ASTM.ENQ, ASTM.EOT]).state).toBe("neutral");
  });

  it("takes no notice of what makes no sense where it stands", () => {
    expect(run([ASTM.ACK, 0x41, ASTM.NAK, TIMEOUT])).toEqual({ said: [], state: "neutral" });
    expect(run([START, START, 0x41])).toEqual({ said: [ASTM.ENQ], state: "bidding" });
    expect(run([START, ASTM.ACK, 0x41])).toEqual({ said: [ASTM.ENQ, "frame 0"], state: "sending" });
  });
});

describe("Contour", () => {
  const frames = (hexes: readonly string[]): readonly string[] =>
    hexes.map((hex) => asText(fromHex(hex)).split("\r")[0] ?? "");

  it("sends its whole memory, oldest first, as the hub acknowledges frame by frame", async () => {
    const { meter, ask, settle, clock } = meterBench(createContourMeter);
    await using _ = meter;
    const first = meter.measure({ mgPerDl: 105, meal: "before" });
    await clock.advance(minutes(60));
    const second = meter.measure({ mgPerDl: 133, meal: "after" });
    meter.start();
    expect(await settle()).toEqual([ENQ]);
    const said: string[] = [];
    for (let i = 0; i < 6; i++) said.push(...(await ask(ACK)));
    expect(frames(said)).toEqual([
      expect.stringContaining("1H|\\^&||7w3LBL|Bayer7390"),
      "\x022P|1",
      "\x023R|1|^^^Glucose|105|mg/dL^P||B||202606151200",
      "\x024R|2|^^^Glucose|133|mg/dL^P||A||202606151300",
      "\x025L|1||N",
      "\x04",
    ]);
    expect(frames(said)[0]).toMatch(/\|2\|{6}1\|202606151300$/);
    expect([first.delivery, second.delivery]).toEqual(["sent", "sent"]);
    expect(first.sent).toEqual([said[2]]);
    expect(meter.line.state).toBe("neutral");
    expect(clock.sleeping).toBe(0);
  });

  it("sends a frame again when it is refused", async () => {
    const { meter, ask, settle } = meterBench(createContourMeter);
    await using _ = meter;
    meter.measure({ mgPerDl: 105 });
    meter.start();
    await settle();
    const header = await ask(ACK);
    expect(await ask(NAK)).toEqual(header);
    expect(frames(await ask(ACK))).toEqual(["\x022P|1"]);
  });

  it("gives the line up after 15 s without an answer, and bids again at an EOT", async () => {
    const { meter, ask, settle, clock } = meterBench(createContourMeter);
    await using _ = meter;
    meter.start();
    await settle();
    await clock.advance(seconds(14));
    expect(await settle()).toEqual([]);
    await clock.advance(seconds(2));
    expect(await settle()).toEqual([EOT]);
    expect(await ask(EOT)).toEqual([ENQ]);
    expect(await ask(EOT)).toEqual([EOT]);
  });

  it("has its clock read and set in command mode", async () => {
    const { meter, ask, askText, settle } = meterBench(createContourMeter);
    await using _ = meter;
    meter.start();
    await settle();
    expect(await ask(NAK)).toEqual([EOT]);
    expect(await ask(ENQ)).toEqual([ACK]);
    expect(await askText("R|\r")).toEqual(["\x06"]);
    expect(await askText("D|\r")).toEqual(["D|260615|\r"]);
    expect(await askText("R|")).toEqual(["\x06"]);
    expect(await askText("T|")).toEqual(["T|1200|\r"]);
    for (const part of ["W|", "D|", "260616|\r", "W|", "T|", "1730|\r"]) expect(await askText(part)).toEqual(["\x06"]);
    expect(meter.clockError).toBe(24 * 3_600_000 + 5.5 * 3_600_000);
    expect(await askText("Q|")).toEqual(["\x15"]);
    expect(await ask(EOT)).toEqual([]);
    expect(meter.line.state).toBe("neutral");
  });

  it("knows neither the limit of its range nor control solution as a measurement", () => {
    const { meter } = meterBench((options) => createContourMeter({ ...options, unit: "mmol/L" }));
    expect(meter.measure({ mgPerDl: 600, mmolTenths: 333, range: "above" }).values).toEqual([]);
    expect(meter.measure({ mgPerDl: 112, mmolTenths: 62, control: true }).values).toEqual([]);
    expect(meter.measure({ mgPerDl: 112, mmolTenths: 62 }).values).toEqual([
      { quantity: "glucose.generic", value: 6.2, decimals: 1, unit: "mmol/L" },
    ]);
  });
});
