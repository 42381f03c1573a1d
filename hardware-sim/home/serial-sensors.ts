import { join } from "node:path";
import { millis } from "../../protocol/time.ts";
import { localMsIn } from "../gatt/device-clock.ts";
import { createLineScale } from "../serial/line-scale.ts";
import type { SerialMeasurement, TrueValue } from "../serial/measurement.ts";
import { createNoninSpot } from "../serial/nonin-spot.ts";
import { createNoninStream, type NoninStream } from "../serial/nonin-stream.ts";
import { aanddLine, type EncodedLine, tanitaLine } from "../serial/scale-lines.ts";
import { createSerialLine, type SerialLine } from "../serial/serial-line.ts";
import type { HomeSensor, SensorSurroundings } from "./home-sensor.ts";
import type { Patient } from "./patient.ts";
import type { SensorName, Truth } from "./truth.ts";
import { isWindowEnd } from "./windows.ts";

/** Lines of an unstable weight before the stable one: a scale at 5 lines a second settles within half a second. */
const UNSTABLE_LINES = 2;

/** `retains`: a memory that reading does not empty. */
export const truthOf = (sensor: SensorName, one: SerialMeasurement, retains = false): Truth => ({
  sensor,
  number: one.number,
  values: one.values,
  raws: one.sent,
  measuredAt: one.measuredAt,
  lastByteAt: one.lastByteAt,
  delivery: one.delivery,
  retains,
});

/** `72.35 kg, 18.6 %`: the first two values. */
export const shownOf = (values: readonly TrueValue[]): string =>
  values
    .slice(0, 2)
    .map((one) => `${one.value.toFixed(one.decimals)} ${one.unit}`)
    .join(", ");

export const lineOf = (name: SensorName, home: SensorSurroundings, receive?: (bytes: Uint8Array) => void) =>
  createSerialLine({
    path: join(home.folder, name),
    clock: home.clock,
    chance: home.chance.fork(`line ${name}`),
    faults: home.trouble(name).line ?? {},
    flippable: name === "scale" ? "top-bit" : "any-bit",
    ...(receive === undefined ? {} : { receive }),
  });

const scaleSensor = async (
  home: SensorSurroundings,
  about: Pick<HomeSensor, "name" | "title" | "model">,
  weigh: (patient: Patient) => { readonly line: EncodedLine; readonly before?: readonly Uint8Array[] },
): Promise<HomeSensor> => {
  const line = await lineOf(about.name, home);
  const scale = createLineScale(line, home.clock);
  let shown = "";
  let busy = 0;
  let steps: Promise<unknown> = Promise.resolve();
  return {
    ...about,
    place: { serial: { path: line.path } },
    use: (patient) => {
      const next = weigh(patient);
      shown = shownOf(next.line.values);
      busy += 1;
      steps = Promise.all([
        steps,
        scale.step(next.line, next.before).then((measurement) => {
          busy -= 1;
          home.taken(about.name, measurement.number, shownOf(measurement.values));
        }),
      ]);
    },
    worn: false,
    leave: () => undefined,
    get idle() {
      return busy === 0;
    },
    truths: () => scale.measurements.map((one) => truthOf(about.name, one)),
    stream: () => null,
    get shown() {
      return shown;
    },
    line,
    pairing: null,
    [Symbol.asyncDispose]: async () => {
      await line[Symbol.asyncDispose]();
      await steps;
    },
  };
};

/** An A&D scale: a few unstable weights, then the stable one that counts. */
export const createWeighingScale = (home: SensorSurroundings): Promise<HomeSensor> =>
  scaleSensor(home, { name: "scale", title: "weighing scale", model: "and-ek-l" }, (patient) => {
    const weight = patient.weightHundredths();
    const before = Array.from(
      { length: UNSTABLE_LINES },
      (_, index) => aanddLine("US", weight - 900 + index * 400).bytes,
    );
    return { line: aanddLine("ST", weight), before };
  });

export const createBodyScale = (home: SensorSurroundings): Promise<HomeSensor> =>
  scaleSensor(home, { name: "body-scale", title: "body composition scale", model: "tanita-sc-240" }, (patient) => ({
    line: tanitaLine(patient.composition(), "2"),
  }));

/** Tells of each window of the stream as it closes, by the exact rule; the account knows better where a clip breaks. */
const watchWindows = (name: SensorName, oximeter: NoninStream, home: SensorSurroundings) => {
  const valid = new Map<number, number>();
  const looked = new Map<number, number>();
  let told = 0;
  return (): void => {
    for (const clip of oximeter.clips.slice(-2)) {
      for (const packet of clip.packets.slice(looked.get(clip.number) ?? 0)) {
        looked.set(clip.number, packet.index);
        if (!packet.valid) continue;
        const soFar = (valid.get(clip.number) ?? 0) + 1;
        valid.set(clip.number, soFar);
        if (!isWindowEnd(soFar)) continue;
        told += 1;
        home.taken(name, told, shownOf(packet.values));
      }
    }
  };
};

/** How often the home looks at the stream: a packet is 333 ms. */
const LOOK_EVERY = millis(100);

export const createOximeter = async (home: SensorSurroundings): Promise<HomeSensor> => {
  const name = "oximeter";
  const line: SerialLine = await lineOf(name, home);
  const oximeter = createNoninStream(line, home.clock, home.chance.fork(name));
  const look = watchWindows(name, oximeter, home);
  const closing = new AbortController();
  const looking = (async () => {
    for (;;) {
      await home.clock.sleep(LOOK_EVERY, closing.signal);
      look();
    }
  })().catch(() => undefined);
  return {
    name,
    title: "pulse oximeter",
    model: "nonin-3150",
    place: { serial: { path: line.path } },
    use: (patient) => {
      if (oximeter.clipped) oximeter.takeOff();
      else oximeter.clipOn(patient.oximetry());
    },
    get worn() {
      return oximeter.clipped;
    },
    leave: oximeter.takeOff,
    get idle() {
      return oximeter.clips.every((clip) => clip.ended);
    },
    truths: () => [],
    stream: () => ({ sensor: name, clips: oximeter.clips }),
    get shown() {
      const packet = oximeter.clips.at(-1)?.packets.at(-1);
      return packet?.valid === true ? shownOf(packet.values) : "";
    },
    line,
    pairing: null,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await looking;
      await oximeter[Symbol.asyncDispose]();
      await line[Symbol.asyncDispose]();
    },
  };
};

export const createSpotOximeter = async (home: SensorSurroundings): Promise<HomeSensor> => {
  const name = "spot-oximeter";
  // The oximeter exists only after its line, and gets bytes only after that.
  const hold: { receive: (bytes: Uint8Array) => void } = { receive: () => undefined };
  const line = await lineOf(name, home, (bytes) => hold.receive(bytes));
  const spot = createNoninSpot({
    clock: home.clock,
    localTime: () => localMsIn(home.zone, home.clock.now()),
    clockError: millis(home.trouble(name).clockErrorMs ?? 0),
    line: () => line,
  });
  hold.receive = spot.receive;
  return {
    name,
    title: "spot-check oximeter",
    model: "nonin-9560",
    place: { serial: { path: line.path } },
    use: (patient) => {
      const measurement = spot.measure(patient.oximetry());
      home.taken(name, measurement.number, shownOf(measurement.values));
    },
    worn: false,
    leave: () => undefined,
    get idle() {
      return spot.measurements.every((one) => one.delivery !== "waiting");
    },
    truths: () => spot.measurements.map((one) => truthOf(name, one)),
    stream: () => null,
    get shown() {
      const last = spot.measurements.at(-1);
      return last === undefined ? "" : shownOf(last.values);
    },
    line,
    pairing: null,
    [Symbol.asyncDispose]: async () => {
      await spot[Symbol.asyncDispose]();
      await line[Symbol.asyncDispose]();
    },
  };
};
