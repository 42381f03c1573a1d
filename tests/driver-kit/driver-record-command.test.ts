import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { driverRecordCommand } from "../../gateway/cli/driver-record-command.ts";
import { runCli } from "../../gateway/cli/program.ts";
import { createRealClock } from "../../hardware-sim/clock/real-clock.ts";
import { createBloodPressureCuff } from "../../hardware-sim/gatt/blood-pressure-cuff.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { aanddLine } from "../../hardware-sim/serial/scale-lines.ts";
import { createSerialLine, type SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { startAdapter } from "../radio/virtual-home.ts";
import { until } from "../support/until.ts";
import { createKeptOutput } from "./support/kept-output.ts";

const clock = createRealClock();
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-record-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const recordScale = async (line: SerialLine, out: string, more: object = {}) => {
  const output = createKeptOutput();
  const stop = new AbortController();
  const options = { model: "and-ek-l", serial: line.path, zone: "Europe/Stockholm", out, ...more };
  const running = driverRecordCommand(options, output, stop.signal);
  return { output, running, stop: () => stop.abort() };
};

const scaleLine = (): Promise<SerialLine> =>
  createSerialLine({ path: join(folder, "scale"), clock, chance: createChance(1) });

describe("hemhub driver record on a serial port", () => {
  it("writes what came and what the driver made of it, for its user's eyes only, and replays it", async () => {
    await using line = await scaleLine();
    const out = join(folder, "capture.yaml");
    const { output, running, stop } = await recordScale(line, out);
    await until(() => line.settled, "the recorder listens");
    await line.send(aanddLine("US", 6995).bytes);
    await line.send(aanddLine("ST", 7020).bytes);
    await until(() => output.out().includes("read body-weight: MDC_MASS_BODY_ACTUAL 70.20 kg"), "the weight is read");
    stop();
    expect(await running).toBe(0);
    expect(output.err()).toBe("");
    expect(output.out()).toMatch(/only you can read it \(mode 0600\)/);
    expect(output.out()).toMatch(/replayed: the same readings/);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const text = await readFile(out, "utf8");
    expect(text).toContain('ST,+00070.20 kg\\r\\n"');
    expect(text).toContain("from this hub's own decoding: check every value against the display of the device");
    expect(await runCli(["driver", "test", out], createKeptOutput())).toBe(0);
  });

  it("ends with the cable, and keeps what came before", async () => {
    const line = await scaleLine();
    const out = join(folder, "capture.yaml");
    const { output, running } = await recordScale(line, out);
    await until(() => line.settled, "the recorder listens");
    await line.send(aanddLine("ST", 7020).bytes);
    await until(() => output.out().includes("read body-weight"), "the weight is read");
    await line.unplug();
    expect(await running).toBe(0);
    expect(await readFile(out, "utf8")).toMatch(/disconnect: true/);
    await line[Symbol.asyncDispose]();
  });

  it("ends by itself after the time that was given, also when nothing came", async () => {
    await using line = await scaleLine();
    const out = join(folder, "capture.yaml");
    const { output, running } = await recordScale(line, out, { seconds: "0.5" });
    expect(await running).toBe(0);
    expect(output.out()).toContain("1 event, 0 readings");
    expect(await readFile(out, "utf8")).toMatch(/readings: \[\]/);
  });
});

describe("hemhub driver record that cannot", () => {
  const refused = async (options: object): Promise<readonly [number, string]> => {
    const output = createKeptOutput();
    const out = join(folder, "capture.yaml");
    const exit = await driverRecordCommand({ out, ...options }, output, new AbortController().signal);
    return [exit, output.err()];
  };

  it("keeps a file that is there", async () => {
    await writeFile(join(folder, "capture.yaml"), "kept");
    const [exit, said] = await refused({ model: "and-ek-l", serial: "/dev/null" });
    expect([exit, said]).toEqual([2, expect.stringMatching(/exists already and is kept; name another file/)]);
    expect(await readFile(join(folder, "capture.yaml"), "utf8")).toBe("kept");
  });

  it.each<[string, object, number, RegExp]>([
    ["nothing is named", {}, 2, /name a model and its port .* or a sensor of a configuration/],
    [
      "the model is unknown",
      { model: "and-ek-1", serial: "/dev/null" },
      2,
      /and-ek-1 is not in the catalogue .*did you mean and-ek-l/,
    ],
    [
      "the model is read over Bluetooth",
      { model: "and-ua-651ble", serial: "/dev/null" },
      2,
      /record it with --config FILE --sensor ID/,
    ],
    [
      "the port is absent",
      { model: "and-ek-l", serial: "/dev/none" },
      1,
      /serial port \/dev\/none: not there; connect/,
    ],
    ["the time is none", { model: "and-ek-l", serial: "/dev/null", seconds: "x" }, 2, /--seconds x is no number/],
  ])("says the next step where %s", async (_, options, exit, said) => {
    expect(await refused(options)).toEqual([exit, expect.stringMatching(said)]);
  });
});

const ADDRESS = "c0:26:da:00:00:09";

/** A configuration with one cuff, of a model that needs no pairing. */
const writeConfig = async (adapter: string): Promise<string> => {
  const entry = `id: cuff
version: "1"
manufacturer: Maker
model: Cuff
udiDi: null
recognise: { ble: { services: ["1810"], model: null } }
driver: gatt-blood-pressure
transport: ble
pairing: none
quirks: []
certification: { scheme: null, class: null, firmware: null }
quantities: [blood-pressure.systolic, blood-pressure.diastolic]
sources: ["made up for this test"]
`;
  const config = `hub: { id: hub, assignment: care-1, dataDir: ., timeZone: Europe/Stockholm }
region: { url: "mqtts://broker.example:8883", ca: [ca.pem], certificate: hub.pem, key: hub.key }
ble: { adapter: { type: uart, path: ${adapter} } }
sensors: [{ id: cuff-1, model: cuff, ble: { address: "${ADDRESS}" } }]
catalogue: { folder: catalogue }
`;
  const { mkdir } = await import("node:fs/promises");
  await mkdir(join(folder, "catalogue"));
  await writeFile(join(folder, "catalogue", "cuff.yaml"), entry);
  for (const name of ["ca.pem", "hub.pem", "hub.key"]) await writeFile(join(folder, name), "", { mode: 0o600 });
  const path = join(folder, "hub.yaml");
  await writeFile(path, config);
  return path;
};

describe("hemhub driver record over Bluetooth", () => {
  it("records a session of a configured sensor, and blanks what it is known by", { timeout: 40_000 }, async () => {
    await using adapter = await startAdapter({ clock });
    const identity = {
      manufacturer: "Maker",
      model: "Cuff",
      serial: "5150100001",
      firmware: "1.0",
      systemId: "c026dafffe000001",
    };
    await using cuff = createBloodPressureCuff({ air: adapter.air, address: radioAddress(ADDRESS), identity });
    const out = join(folder, "capture.yaml");
    const output = createKeptOutput();
    const options = { config: await writeConfig(adapter.path), sensor: "cuff-1", out, redact: true, seconds: "30" };
    const running = driverRecordCommand(options, output, new AbortController().signal);
    await until(() => output.out().includes("waiting for cuff-1"), "the recorder waits");
    cuff.measure({ systolic: 124, diastolic: 79, meanArterial: 94, pulse: 66 });
    expect([await running, output.err()]).toEqual([0, ""]);
    const text = await readFile(out, "utf8");
    expect(text).toMatch(/value: "2a35"/);
    expect(text).toContain('read: "2a25", hex: "30 30 30 30 30 30 30 30 30 30"');
    expect(text).toContain('read: "2a23", hex: "00 00 00 00 00 00 00 00"');
    expect(text).not.toContain("35 31 35 30 31 30 30 30 30 31");
    expect(output.out()).toMatch(/replayed: the same readings/);
  });

  it("does not touch the adapter of a hub that runs", async () => {
    const config = await writeConfig("/dev/none");
    const hub = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => hub.listen(join(folder, "hemhub.sock"), resolve));
    try {
      const output = createKeptOutput();
      const options = { config, sensor: "cuff-1", out: join(folder, "capture.yaml") };
      expect(await driverRecordCommand(options, output, new AbortController().signal)).toBe(5);
      expect(output.err()).toMatch(
        /a hub runs with .*hub\.yaml and has its sensors; stop it .*, record, and start it again/,
      );
    } finally {
      await new Promise((resolve) => hub.close(resolve));
    }
  });
});
