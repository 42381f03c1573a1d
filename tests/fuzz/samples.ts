import { bloodPressureMeasurement } from "../../hardware-sim/gatt/blood-pressure.ts";
import { cgmMeasurement } from "../../hardware-sim/gatt/cgm.ts";
import { glucoseMeasurement } from "../../hardware-sim/gatt/glucose.ts";
import { heartRateMeasurement } from "../../hardware-sim/gatt/heart-rate.ts";
import { continuousOximetry, spotCheckMeasurement } from "../../hardware-sim/gatt/pulse-oximetry.ts";
import { temperatureMeasurement } from "../../hardware-sim/gatt/temperature.ts";
import { weightMeasurement } from "../../hardware-sim/gatt/weight.ts";
import { astmFrames } from "../../hardware-sim/serial/astm-frames.ts";
import { liveSample, recordedHeader, recordedSample } from "../../hardware-sim/serial/contec-samples.ts";
import { lifescanFrame } from "../../hardware-sim/serial/lifescan-frames.ts";
import { ultra2Header, ultra2Record } from "../../hardware-sim/serial/lifescan-ultra2-lines.ts";
import { noninSecond } from "../../hardware-sim/serial/nonin-df8.ts";
import { noninPacket, noninSpotPacket } from "../../hardware-sim/serial/nonin-frames.ts";
import { aanddLine, tanitaLine } from "../../hardware-sim/serial/scale-lines.ts";
import { taidocAnswer, taidocCommand } from "../../hardware-sim/serial/taidoc-frames.ts";
import { vitalographTestFrame } from "../../hardware-sim/serial/vitalograph-frames.ts";
import vectors from "../vectors/vectors.json" with { type: "json" };

const at = { year: 2026, month: 6, day: 15, hour: 17, minute: 17, second: 27 };
/** The same for GATT's Date Time. */
const local = { year: 2026, month: 6, day: 15, hours: 17, minutes: 17, seconds: 27 };
const shownMs = Date.UTC(2026, 5, 15, 17, 17, 27);

const pleth = Array.from({ length: 25 }, (_, index) => 100 + index);
const packet = {
  pulse: 66,
  spo2: 97,
  spo2Beat: 97,
  pulseDisplay: 66,
  spo2Display: 97,
  timer: 900,
  pleth,
  beatAt: 3,
  fingerRemoved: false,
  artifact: false,
};
const spot = { pulse: 66, spo2: 97, time: at, fromMemory: true, lowBattery: false };

/** Frames of each byte stream, as the simulated sensors send them: what framers are fuzzed around. */
export const simulatedFrames = {
  noninStream: [noninPacket(packet), noninPacket({ ...packet, fingerRemoved: true })],
  noninSecond: [noninSecond({ spo2: 97, pulse: 66 })],
  noninSpot: [noninSpotPacket(spot), noninSpotPacket({ ...spot, pulse: 511 })],
  aandd: [aanddLine("ST", 7020).bytes, aanddLine("US", 6995).bytes],
  tanita: [
    tanitaLine(
      { weightTenths: 827, fatPercentTenths: 214, impedanceOhmTenths: 5012, heightCm: 178, age: 64, gender: "male" },
      "1",
    ).bytes,
  ],
  contecLive: [liveSample({ spo2: 97, pulse: 66 })],
  contecRecorded: [recordedHeader(12), recordedSample({ pulse: 66, spo2: 97 })],
  lifescan: [lifescanFrame(0x00, [0x05, 0x06, 1, 2, 3, 4, 105, 0, 0, 0]), lifescanFrame(0x06, [5, 15])],
  ultra2: [ultra2Header(3, "ABC123", "mg/dL"), ultra2Record({ mgPerDl: 105 }, shownMs)],
  taidoc: [taidocAnswer(0x26, [105, 0, 0, 0]), taidocAnswer(0x25, [1, 2, 3, 4]), taidocCommand(0x2b, [1])],
  astm: astmFrames([
    "H|\\^&||abc|Contour7350^01|||||||P|1|20260615171727",
    "R|1|^^^Glucose|105|mg/dL^P||A||20260615",
    "L|1||N",
  ]),
  vitalograph: [
    vitalographTestFrame("G", "123", { pef: 420, fev075: 210, fev1: 250, fev6: 310, fef2575: 200 }, shownMs),
    vitalographTestFrame("F", "123", { pef: 0, fev075: 210, fev1: 250, fev6: 0, fef2575: 200, good: false }, shownMs),
  ],
} as const satisfies Readonly<Record<string, readonly Uint8Array[]>>;

/** Values of characteristics, as the simulated sensors send them. */
const simulatedValues: Readonly<Record<string, readonly Uint8Array[]>> = {
  "ble.2a35": [
    bloodPressureMeasurement(
      { systolic: 124, diastolic: 79, pulse: 66, user: 1, status: { irregularPulse: true } },
      local,
    ),
    bloodPressureMeasurement({ systolic: "nan", diastolic: "nan", unit: "kPa" }, null),
  ],
  "ble.2a1c": [temperatureMeasurement({ temperature: { value: 37.2, decimals: 1 }, unit: "F" }, local)],
  "ble.2a9d": [weightMeasurement({ weight: 72.35, user: 1, bmiAndHeight: { bmi: 23.1, height: 1.77 } }, local)],
  "ble.2a5e": [spotCheckMeasurement({ spo2: 97, pulse: 66, pulseAmplitudeIndex: 3 }, local)],
  "ble.2a5f": [continuousOximetry({ spo2: 97, pulse: 66, fast: { spo2: 96, pulse: "nres" } })],
  "ble.2a18": [
    glucoseMeasurement(
      {
        concentration: {
          value: { value: 0.00105, decimals: 5 },
          unit: "kg/L",
          type: "capillary-whole-blood",
          location: "finger",
        },
      },
      7,
      { base: local, offsetMinutes: -60 },
      true,
    ),
  ],
  "ble.2a37": [heartRateMeasurement({ rate: 66, wide: true, contact: true, energyKj: 12, rr1024: [930, 945, 940] })],
  "ble.2aa7": [
    cgmMeasurement({ glucose: 105, trend: { value: 0.5, decimals: 1 }, quality: 90, status: 1 }, 65, true),
    cgmMeasurement({ glucose: 105 }, 70, false),
  ],
  "serial.nonin.df2.stream": simulatedFrames.noninStream,
  "serial.nonin.9560.command": simulatedFrames.noninSpot,
  "serial.contec.cms50.live": simulatedFrames.contecLive,
  "serial.contec.cms50.recorded": simulatedFrames.contecRecorded,
  "serial.lifescan.ultra2.line": simulatedFrames.ultra2,
  "serial.lifescan.binary.frame": simulatedFrames.lifescan,
  "serial.taidoc.frame": simulatedFrames.taidoc,
  "serial.astm.frame": simulatedFrames.astm,
  "serial.aandd.weight.line": simulatedFrames.aandd,
  "serial.tanita.line": simulatedFrames.tanita,
};

const published = new Map<string, Uint8Array[]>();
for (const { kind, hex } of vectors) {
  published.set(kind, [...(published.get(kind) ?? []), Uint8Array.from(Buffer.from(hex, "hex"))]);
}

/** What is known to be sent of one kind: the published vectors, and what a simulated sensor sends. May be empty. */
export const samplesOf = (kind: string): readonly Uint8Array[] => [
  ...(published.get(kind) ?? []),
  ...(simulatedValues[kind] ?? []),
  ...(kind.includes("vitalograph") ? simulatedFrames.vitalograph : []),
];

/** Everything that any sensor is known to send. */
export const allSamples: readonly Uint8Array[] = [
  ...[...published.values()].flat(),
  ...Object.values(simulatedValues).flat(),
  ...Object.values(simulatedFrames).flat(),
];
