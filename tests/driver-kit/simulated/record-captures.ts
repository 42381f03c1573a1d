// `node tests/driver-kit/simulated/record-captures.ts NAME... | all`: makes captures of drivers/captures again, with the
// real `hemhub driver record`, from simulated sensors on pseudo terminals and on a virtual radio. To be run after a
// driver writes otherwise to its sensor; the readings in the new files are to be compared with the old ones.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRealClock } from "../../../hardware-sim/clock/real-clock.ts";
import { radioAddress } from "../../../hardware-sim/radio/address.ts";
import { createChance } from "../../../hardware-sim/radio/seeded.ts";
import { createSerialLine } from "../../../hardware-sim/serial/serial-line.ts";
import { startAdapter } from "../../radio/virtual-home.ts";
import { type RadioSession, radioSessions } from "./radio-sessions.ts";
import { type SerialSession, serialSessions } from "./serial-sessions.ts";
import { type SimulatedSession, wait, ZONE } from "./simulated-session.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const ADDRESS = "c0:26:da:00:00:09";
/** What the recorder takes to listen. */
const STARTED_MS = 3500;

const clock = createRealClock();

/** Run the recorder; `play` begins when it listens. */
const recorded = async (args: readonly string[], play: () => Promise<unknown>): Promise<void> => {
  const main = join(ROOT, "gateway", "main.ts");
  const child = spawn(process.execPath, [main, "driver", "record", ...args], { stdio: "inherit" });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await wait(STARTED_MS);
  await play();
  const exit = await ended;
  if (exit !== 0) throw new Error(`driver record ended with ${exit}: ${args.join(" ")}`);
};

/** Put a recording where it belongs, under what it is about. */
const ship = async (file: string, session: SimulatedSession, sensor: string, over: string): Promise<void> => {
  const integrity = session.integrity === "none" ? "" : `integrity: ${session.integrity}\n`;
  const text = (await readFile(file, "utf8"))
    .replace(/^about: .*$/m, () => `about: ${JSON.stringify(session.about)}`)
    .replace(/^source: .*$/m, `source: "hemhub driver record, from the simulated sensor of hardware-sim over ${over}"`)
    .replace(/^model: .*$/m, sensor)
    .replace(/^zone:/m, `${integrity}zone:`)
    .replace(/^ {2}note: .*$/m, '  note: "checked against what the simulated sensor knows that it measured"');
  await writeFile(join(ROOT, "drivers", "captures", `${session.name}.yaml`), text);
};

const overSerial = async (session: SerialSession, folder: string): Promise<void> => {
  const hold: { receive: (bytes: Uint8Array) => void } = { receive: () => undefined };
  const receive = (bytes: Uint8Array): void => hold.receive(bytes);
  await using line = await createSerialLine({ path: join(folder, "port"), clock, chance: createChance(1), receive });
  const played = session.create(line, clock);
  hold.receive = played.receive ?? hold.receive;
  const out = join(folder, `${session.name}.yaml`);
  const where = ["--model", session.model, "--serial", line.path, "--zone", ZONE];
  await recorded([...where, "--seconds", String(session.seconds), "--out", out], async () => played.play?.());
  await ship(out, session, `model: ${session.model}`, "a pseudo terminal");
};

/** A catalogue of one model that needs no pairing, and a hub with one sensor of it. */
const writeHub = async (folder: string, session: RadioSession, adapter: string): Promise<string> => {
  const catalogue = join(folder, "catalogue");
  await mkdir(catalogue, { recursive: true });
  const entry = `id: scratch
version: "1"
manufacturer: Simulated
model: Sim
udiDi: null
recognise: { ble: { services: ["${session.service}"], model: null } }
driver: ${session.driver}
transport: ble
pairing: none
quirks: []
certification: { scheme: null, class: null, firmware: null }
quantities: [body-weight]
sources: ["simulated"]
`;
  const hub = `hub: { id: hub, assignment: care-1, dataDir: data, timeZone: ${ZONE} }
region: { url: "mqtts://broker.example:8883", ca: [ca.pem], certificate: hub.pem, key: hub.key }
ble: { adapter: { type: uart, path: ${adapter} } }
sensors: [{ id: sensor-1, model: scratch, ble: { address: "${ADDRESS}" } }]
catalogue: { folder: catalogue }
`;
  await writeFile(join(catalogue, "scratch.yaml"), entry);
  for (const name of ["ca.pem", "hub.pem", "hub.key"]) await writeFile(join(folder, name), "", { mode: 0o600 });
  await writeFile(join(folder, "hub.yaml"), hub);
  return join(folder, "hub.yaml");
};

const overRadio = async (session: RadioSession, folder: string): Promise<void> => {
  await using adapter = await startAdapter({ clock });
  const config = await writeHub(folder, session, adapter.path);
  const identity = {
    manufacturer: "Simulated",
    model: "Sim",
    serial: "1",
    firmware: "1.0.3",
    systemId: "0".repeat(16),
  };
  const out = join(folder, `${session.name}.yaml`);
  const where = ["--config", config, "--sensor", "sensor-1", "--redact"];
  const sensors: AsyncDisposable[] = [];
  await recorded([...where, "--seconds", String(session.seconds), "--out", out], async () => {
    sensors.push(await session.play({ air: adapter.air, address: radioAddress(ADDRESS), identity, zone: ZONE }));
  });
  for (const sensor of sensors) await sensor[Symbol.asyncDispose]();
  const sensor = session.model === null ? `driver: ${session.driver}` : `model: ${session.model}`;
  await ship(out, session, sensor, "a virtual radio");
};

const asked = process.argv.slice(2);
const isAsked = ({ name }: SimulatedSession): boolean => asked.includes(name) || asked.includes("all");
const names = [...serialSessions, ...radioSessions].map(({ name }) => name);
const strange = asked.filter((name) => name !== "all" && !names.includes(name));
if (asked.length === 0 || strange.length > 0) {
  process.stderr.write(`record-captures: give all, or some of ${names.join(", ")}\n`);
  process.exit(2);
}
const inFolder = async (record: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-captures-"));
  await record(folder).finally(() => rm(folder, { recursive: true, force: true }));
};
for (const session of serialSessions.filter(isAsked)) await inFolder((folder) => overSerial(session, folder));
for (const session of radioSessions.filter(isAsked)) await inFolder((folder) => overRadio(session, folder));
// Streams of simulated sensors go on for ever.
process.exit(0);
