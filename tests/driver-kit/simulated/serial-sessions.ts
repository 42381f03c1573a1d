import type { createRealClock } from "../../../hardware-sim/clock/real-clock.ts";
import { localMsIn } from "../../../hardware-sim/gatt/device-clock.ts";
import { createChance } from "../../../hardware-sim/radio/seeded.ts";
import { createAbbottOptium } from "../../../hardware-sim/serial/abbott-optium.ts";
import { createContecOximeter } from "../../../hardware-sim/serial/contec-oximeter.ts";
import { createContourMeter } from "../../../hardware-sim/serial/contour-meter.ts";
import { createLifescanUltraEasy } from "../../../hardware-sim/serial/lifescan-ultra-easy.ts";
import { createLifescanUltra2 } from "../../../hardware-sim/serial/lifescan-ultra2.ts";
import { createLifescanVerio } from "../../../hardware-sim/serial/lifescan-verio.ts";
import { createLineScale } from "../../../hardware-sim/serial/line-scale.ts";
import { createLungMonitor } from "../../../hardware-sim/serial/lung-monitor.ts";
import { createNoninSecondStream } from "../../../hardware-sim/serial/nonin-second-stream.ts";
import { createNoninSpot } from "../../../hardware-sim/serial/nonin-spot.ts";
import { createNoninStream } from "../../../hardware-sim/serial/nonin-stream.ts";
import { aanddLine, tanitaLine } from "../../../hardware-sim/serial/scale-lines.ts";
import type { SerialLine } from "../../../hardware-sim/serial/serial-line.ts";
import { createTaidocMeter } from "../../../hardware-sim/serial/taidoc-meter.ts";
import { createVisomatCuff } from "../../../hardware-sim/serial/visomat-cuff.ts";
import { millis } from "../../../protocol/time.ts";
import { type SimulatedSession, wait, ZONE } from "./simulated-session.ts";

/** A sensor at the end of a line. */
interface Played {
  readonly receive?: (bytes: Uint8Array) => void;
  /** What it does while the recorder listens. */
  readonly play?: () => Promise<unknown>;
}

export interface SerialSession extends SimulatedSession {
  /** Model of the catalogue. */
  readonly model: string;
  create(line: SerialLine, clock: ReturnType<typeof createRealClock>): Played;
}

/** Its clock is wrong, so that the correction shows. */
const AHEAD = millis(42_000);

const session = (
  model: string,
  about: string,
  integrity: SimulatedSession["integrity"],
  seconds: number,
  create: SerialSession["create"],
): SerialSession => ({ name: model, model, about, integrity, seconds, create });

type Clock = Parameters<SerialSession["create"]>[1];

const meterOptions = (line: SerialLine, clock: Clock) => ({
  clock,
  localTime: () => localMsIn(ZONE, clock.now()),
  clockError: AHEAD,
  line: () => line,
});

export const serialSessions: readonly SerialSession[] = [
  session("and-ek-l", "Two weighings, each with unstable weights before it", "none", 6, (line, clock) => {
    const scale = createLineScale(line, clock);
    return {
      play: async () => {
        await scale.step(aanddLine("ST", 7020), [aanddLine("US", 6120).bytes, aanddLine("US", 6995).bytes]);
        await wait(2500);
        await scale.step(aanddLine("ST", 7015));
      },
    };
  }),
  session("tanita-sc-240", "One measurement of an adult", "checksum", 4, (line, clock) => {
    const body = { weightTenths: 827, fatPercentTenths: 214, impedanceOhmTenths: 5012, heightCm: 178, age: 64 };
    return { play: () => createLineScale(line, clock).step(tanitaLine({ ...body, gender: "male" }, "0")) };
  }),
  session("nonin-3150", "A finger clipped in for some seconds", "checksum", 10, (line, clock) => {
    const oximeter = createNoninStream(line, clock, createChance(3));
    return {
      play: async () => {
        oximeter.clipOn({ spo2: 95, pulse: 71 });
        await wait(5500);
        oximeter.takeOff();
      },
    };
  }),
  session("nonin-format-8", "A finger clipped in for some seconds", "none", 12, (line, clock) => {
    const oximeter = createNoninSecondStream(() => line, clock);
    return {
      play: async () => {
        oximeter.clipOn({ spo2: 96, pulse: 72 });
        await wait(7000);
        oximeter.takeOff();
      },
    };
  }),
  session(
    "nonin-9560",
    "A spot check of an oximeter whose clock is 42 s ahead; it is asked, set, and told that the reading is safe",
    "checksum",
    5,
    (line, clock) => {
      const spot = createNoninSpot(meterOptions(line, clock));
      return { receive: spot.receive, play: async () => spot.measure({ spo2: 97, pulse: 66 }) };
    },
  ),
  session("contec-cms50d-plus", "A finger clipped in for a second", "none", 6, (line, clock) => {
    const oximeter = createContecOximeter(() => line, clock, createChance(3));
    return {
      receive: oximeter.receive,
      play: async () => {
        oximeter.clipOn({ spo2: 96, pulse: 72 });
        await wait(1200);
        oximeter.takeOff();
      },
    };
  }),
  session(
    "lifescan-onetouch-ultra2",
    "First read-out of a meter whose clock is 42 s ahead: before a meal, after a meal, and a control solution",
    "checksum",
    12,
    (line, clock) => {
      const meter = createLifescanUltra2(meterOptions(line, clock));
      meter.measure({ mgPerDl: 105, meal: "before" });
      meter.measure({ mgPerDl: 162, meal: "after" });
      meter.measure({ mgPerDl: 120, control: true });
      return meter;
    },
  ),
  session(
    "lifescan-onetouch-ultraeasy",
    "First read-out of a meter whose clock is 42 s ahead",
    "checksum",
    12,
    (line, clock) => {
      const meter = createLifescanUltraEasy(meterOptions(line, clock));
      meter.measure({ mgPerDl: 105 });
      meter.measure({ mgPerDl: 162 });
      return meter;
    },
  ),
  session(
    "lifescan-onetouch-verio-iq",
    "First read-out of a meter whose clock is 42 s ahead; one result before a meal",
    "checksum",
    12,
    (line, clock) => {
      const meter = createLifescanVerio(meterOptions(line, clock));
      meter.measure({ mgPerDl: 105, meal: "before" });
      meter.measure({ mgPerDl: 162 });
      return meter;
    },
  ),
  session("taidoc-td-4277", "First read-out of a meter whose clock is 42 s ahead", "checksum", 12, (line, clock) => {
    const meter = createTaidocMeter({ ...meterOptions(line, clock), model: "4277" });
    meter.measure({ tag: "glucose", test: { mgPerDl: 105, meal: "before" } });
    meter.measure({ tag: "glucose", test: { mgPerDl: 162 } });
    return meter;
  }),
  session(
    "fora-td-3128",
    "One pressure with an irregular pulse, from the memory of a cuff",
    "checksum",
    12,
    (line, clock) => {
      const cuff = createTaidocMeter({ ...meterOptions(line, clock), model: "3128" });
      const pressure = { systolic: 131, diastolic: 84, pulse: 68, arrhythmia: true };
      cuff.measure({ tag: "blood-pressure", pressure });
      return cuff;
    },
  ),
  session(
    "ascensia-contour-usb",
    "A meter bids for the line and sends its memory in ASTM frames",
    "checksum",
    14,
    (line, clock) => {
      const meter = createContourMeter(meterOptions(line, clock));
      meter.measure({ mgPerDl: 105, meal: "before" });
      meter.measure({ mgPerDl: 162, meal: "after" });
      return { receive: meter.receive, play: async () => meter.start() };
    },
  ),
  session("visomat-double-comfort", "The memories of both users of a cuff", "none", 12, (line, clock) => {
    const cuff = createVisomatCuff(meterOptions(line, clock));
    cuff.measure({ user: 1, systolic: 131, diastolic: 84, pulse: 68 });
    cuff.measure({ user: 2, systolic: 118, diastolic: 76, pulse: 71 });
    return cuff;
  }),
  session(
    "abbott-freestyle-optium",
    "The memory of a meter: one result, and one above its range",
    "checksum",
    14,
    (line, clock) => {
      const meter = createAbbottOptium(meterOptions(line, clock));
      meter.measure({ tag: "glucose", mgPerDl: 105 });
      meter.measure({ tag: "high" });
      return meter;
    },
  ),
  session("vitalograph-lung-monitor-bt", "One blow of a monitor with layout F", "checksum", 8, (line, clock) => {
    const monitor = createLungMonitor({ ...meterOptions(line, clock), layout: "F", serial: "0" });
    const blow = { pef: 0, fev075: 210, fev1: 250, fev6: 310, fef2575: 200 };
    return { receive: monitor.receive, play: async () => monitor.blow(blow) };
  }),
];
