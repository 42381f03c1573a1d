import { mkdtemp, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { createChance } from "../radio/seeded.ts";
import { disturb } from "./disturb.ts";
import { createLineScale } from "./line-scale.ts";
import { createNoninSpot } from "./nonin-spot.ts";
import { createNoninStream } from "./nonin-stream.ts";
import { aanddLine } from "./scale-lines.ts";
import { createSerialLine, type SerialLine } from "./serial-line.ts";

/** A line without a pty: `heard` and `disturbed` are what the test says. */
const lineOf = (state: { heard: boolean; disturbed: boolean; early?: boolean }) => {
  const sent: string[] = [];
  const line: SerialLine = {
    path: "/dev/none",
    plugged: true,
    settled: true,
    pty: null,
    send: async (message) => {
      if (state.heard) sent.push(toHex(message));
      return { early: false, ...state };
    },
    setFaults: () => undefined,
    unplug: async () => undefined,
    plug: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { line, sent };
};

describe("scale without memory", () => {
  it("knows what it measured, and whether anybody heard it", async () => {
    const state = { heard: true, disturbed: false, early: false };
    const { line, sent } = lineOf(state);
    const scale = createLineScale(line, createSimulatedClock());
    await scale.step(aanddLine("ST", 7235), [aanddLine("US", 7000).bytes]);
    state.disturbed = true;
    await scale.step(aanddLine("ST", 7240));
    state.heard = false;
    await scale.step(aanddLine("ST", 7245));
    Object.assign(state, { heard: true, disturbed: false, early: true });
    await scale.step(aanddLine("ST", 7250));
    expect(scale.measurements.map((one) => one.delivery)).toEqual(["sent", "disturbed", "unheard", "early"]);
    expect(scale.measurements.map((one) => one.number)).toEqual([1, 2, 3, 4]);
    expect(sent[1]).toBe(scale.measurements[0]?.sent[0]);
    expect(scale.measurements[2]?.lastByteAt).toBeNull();
  });
});

describe("streaming oximeter", () => {
  it("streams three packets a second while clipped, without values at first, and then the patient's", async () => {
    const clock = createSimulatedClock();
    const { line, sent } = lineOf({ heard: true, disturbed: false });
    await using oximeter = createNoninStream(line, clock, createChance(1));
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(millis(5000));
    const clip = oximeter.clips[0];
    expect(clip?.packets.length).toBeGreaterThanOrEqual(14);
    expect(clip?.packets.length).toBeLessThanOrEqual(15);
    expect(clip?.packets.map((one) => one.valid).slice(0, 5)).toEqual([false, false, false, true, true]);
    expect(clip?.packets[3]?.values[0]?.value).toBeGreaterThan(90);
    expect(clip?.packets.every((one) => one.hex.length === 250 && one.intact)).toBe(true);
    expect(sent.join("").startsWith(clip?.packets.map((one) => one.hex).join("") ?? "x")).toBe(true);
    expect(new Set(clip?.packets.map((one) => one.hex)).size).toBe(clip?.packets.length);
  });

  it("raises the alarm when the finger is out, goes silent, and starts a new clip the next time", async () => {
    const clock = createSimulatedClock();
    const { line } = lineOf({ heard: true, disturbed: false });
    await using oximeter = createNoninStream(line, clock, createChance(1));
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(millis(3000));
    oximeter.takeOff();
    await clock.advance(millis(3000));
    const [first] = oximeter.clips;
    expect(first?.ended).toBe(true);
    expect(first?.packets.slice(-3).map((one) => one.valid)).toEqual([false, false, false]);
    oximeter.clipOn({ spo2: 94, pulse: 80 });
    await clock.advance(millis(3000));
    expect(oximeter.clips.map((one) => one.number)).toEqual([1, 2]);
  });

  it("starts a new clip when it is put on again before it turned itself off", async () => {
    const clock = createSimulatedClock();
    await using oximeter = createNoninStream(lineOf({ heard: true, disturbed: false }).line, clock, createChance(1));
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(millis(2000));
    oximeter.takeOff();
    await clock.advance(millis(400));
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(millis(4000));
    expect(oximeter.clips.map((one) => one.ended)).toEqual([true, false]);
  });

  it("knows which packets did not arrive whole", async () => {
    const clock = createSimulatedClock();
    const state = { heard: true, disturbed: false };
    await using oximeter = createNoninStream(lineOf(state).line, clock, createChance(1));
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(millis(2000));
    state.heard = false;
    await clock.advance(millis(1000));
    const intact = oximeter.clips[0]?.packets.map((one) => one.intact) ?? [];
    expect(intact.slice(0, 5)).not.toContain(false);
    expect(intact.at(-1)).toBe(false);
  });
});

describe("spot-check oximeter", () => {
  const spotOf = (state: { heard: boolean; disturbed: boolean }) => {
    const clock = createSimulatedClock();
    const { line, sent } = lineOf(state);
    const spot = createNoninSpot({ clock, localTime: () => clock.now(), line: () => line });
    return { clock, sent, spot };
  };

  it("keeps records until somebody listens, then forwards the oldest first, marked as from memory", async () => {
    const state = { heard: false, disturbed: false };
    const { clock, sent, spot } = spotOf(state);
    await using _ = spot;
    const first = spot.measure({ spo2: 97, pulse: 61 });
    await clock.advance(millis(2000));
    const second = spot.measure({ spo2: 95, pulse: 62 });
    expect([first.delivery, second.delivery]).toEqual(["waiting", "waiting"]);
    state.heard = true;
    await clock.advance(millis(1000));
    expect(sent).toEqual([...first.sent, ...second.sent]);
    expect(sent[0]?.slice(12, 32)).toBe("20260615120000000210");
    expect(sent[1]?.slice(12, 32)).toBe("20260615120002000200");
    expect([first.delivery, second.delivery]).toEqual(["sent", "sent"]);
  });

  it("loses the oldest of more than twenty, as its memory does", async () => {
    const { spot } = spotOf({ heard: false, disturbed: false });
    await using _ = spot;
    const all = Array.from({ length: 22 }, (_one, index) => spot.measure({ spo2: 90, pulse: 60 + index }));
    expect(all.filter((one) => one.delivery === "unheard").map((one) => one.number)).toEqual([1, 2]);
  });

  it("obeys the commands of its manual, in pieces and after noise", async () => {
    const { clock, sent, spot } = spotOf({ heard: true, disturbed: false });
    await using _ = spot;
    const command = async (...pieces: string[]) => {
      for (const piece of pieces) spot.receive(fromHex(piece));
      await clock.advance(millis(1));
      return sent.splice(0);
    };
    expect(await command("027002020d03")).toEqual(["06"]);
    expect(await command("ff0270", "0202", "0803")).toEqual(["15"]);
    // The manual's example: 2050-12-31 14:30:15. Nothing is answered.
    expect(await command("027206320c1f0e1e0f03")).toEqual([]);
    expect(await command("02720003")).toEqual(["02f206320c1f0e1e0f03"]);
  });
});

describe("bad line", () => {
  it("does nothing without faults, and repeats what it does by its seed", () => {
    const message = fromHex("53542c2b30303037322e3335206b670d0a");
    expect(disturb(message, {}, "any-bit", createChance(1))).toEqual({ bytes: message, disturbed: false });
    const faults = { noise: 0.3, flip: 0.3, loss: 0.3 };
    const run = (seed: number) => {
      const chance = createChance(seed);
      return Array.from({ length: 50 }, () => disturb(message, faults, "any-bit", chance));
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
    expect(run(7).some((one) => one.disturbed)).toBe(true);
    expect(run(7).some((one) => !one.disturbed)).toBe(true);
  });

  it("can bring a message twice, which does not spoil it", () => {
    const message = fromHex("0102");
    const repeated = { bytes: fromHex("01020102"), disturbed: false };
    expect(disturb(message, { repeat: 1 }, "any-bit", createChance(1))).toEqual(repeated);
  });

  it("flips nothing but top bits where there is no checksum", () => {
    const message = fromHex("53542c2b30303037322e3335206b670d0a");
    const chance = createChance(3);
    for (let round = 0; round < 50; round++) {
      const { bytes } = disturb(message, { flip: 1 }, "top-bit", chance);
      expect(bytes.map((byte) => byte & 0x7f)).toEqual(message);
      expect(bytes).not.toEqual(message);
    }
  });
});

describe("serial line on a pty", () => {
  it("reaches a reader through a path that survives the cable being pulled", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-line-"));
    try {
      const got: string[] = [];
      await using line = await createSerialLine({
        path: join(folder, "scale"),
        clock: createRealClock(),
        chance: createChance(1),
        receive: (bytes) => got.push(toHex(bytes)),
      });
      expect((await line.send(fromHex("00"))).heard).toBe(false);
      const open = async () => {
        const port = new SerialPort({ path: line.path, baudRate: 9600 });
        const received: Buffer[] = [];
        port.on("data", (data: Buffer) => received.push(data));
        await new Promise<void>((resolve, reject) => {
          port.once("open", resolve);
          port.once("error", reject);
        });
        return { port, text: () => Buffer.concat(received).toString("latin1") };
      };
      const first = await open();
      expect(await line.send(aanddLine("ST", 7235).bytes)).toMatchObject({ heard: true, disturbed: false });
      await until(() => first.text() === "ST,+00072.35 kg\r\n", "the line arrived");
      await until(() => line.settled, "the port is no longer new");
      first.port.write(fromHex("02720003"));
      await until(() => got.join("") === "02720003", "the command arrived");
      const gone = new Promise<void>((resolve) => first.port.once("close", () => resolve()));
      const device = await readlink(line.path);
      await line.unplug();
      await gone;
      expect(line.plugged).toBe(false);
      await expect(readlink(line.path)).rejects.toThrow(/ENOENT/);
      await line.plug();
      expect(await readlink(line.path)).toMatch(/^\/dev\/pts\//);
      expect(device).toMatch(/^\/dev\/pts\//);
      const second = await open();
      await line.send(aanddLine("ST", 1).bytes);
      await until(() => second.text() === "ST,+00000.01 kg\r\n", "the line arrived again");
      await new Promise<void>((resolve) => second.port.close(() => resolve()));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
