import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "mqtt";
import { SerialPort } from "serialport";
import { parse } from "yaml";
import { idemOf, readingIdOf } from "../../protocol/idem.ts";
import { type AssignmentId, hubId, seq } from "../../protocol/ids.ts";
import { encodeMessage, parseReceipt } from "../../protocol/messages.ts";
import type { Reading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import { topicOf } from "../../protocol/topics.ts";
import { createRealClock } from "../clock/real-clock.ts";

/*
 * The least that a home can take for its hub: reads one A&D scale, numbers its lines in a file, sends them, and drops
 * what the region has receipted. For tests of the home itself: unlike the real hub it can be told to do wrong.
 */

const { values: options } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: "string" },
    /** `lose`, `alter`, `double`, `invent`: what to do with every third line. `fail`: end before being ready. */
    wrong: { type: "string", default: "nothing" },
  },
});

interface Config {
  readonly hub: { readonly id: string; readonly assignment: string; readonly dataDir: string };
  readonly region: {
    readonly url: string;
    readonly ca: readonly string[];
    readonly certificate: string;
    readonly key: string;
  };
  readonly sensors: readonly { readonly id: string; readonly serial?: { readonly path: string } }[];
  readonly diagnostics: { readonly socket: string };
}

if (options.wrong === "fail") {
  process.stderr.write("stand-in: cannot work like this\n");
  process.exit(3);
}

const config = parse(readFileSync(options.config ?? "", "utf8")) as Config;
const hub = hubId(config.hub.id);
const say = (msg: string, fields: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ level: 30, msg, ...fields })}\n`);
};

mkdirSync(config.hub.dataDir, { recursive: true });
const journal = join(config.hub.dataDir, "journal.ndjson");
const waiting = new Map<number, Reading>();
let last = 0;
let through = 0;
for (const line of existsSync(journal) ? readFileSync(journal, "utf8").split("\n").filter(Boolean) : []) {
  const entry = JSON.parse(line) as { reading?: Reading; through?: number };
  if (entry.reading !== undefined) {
    last = Math.max(last, entry.reading.seq);
    waiting.set(entry.reading.seq, entry.reading);
  }
  through = Math.max(through, entry.through ?? 0);
}
for (const number of [...waiting.keys()]) if (number <= through) waiting.delete(number);

const client = connect(config.region.url, {
  ca: config.region.ca.map((path) => readFileSync(path)),
  cert: readFileSync(config.region.certificate),
  key: readFileSync(config.region.key),
  protocolVersion: 4,
  reconnectPeriod: 200,
  queueQoSZero: false,
});
client.on("error", () => undefined);

/** Its numbers go on across restarts. */
const SERIES = "0000000000aa";

const send = (): void => {
  const batch = [...waiting.values()];
  if (batch.length === 0 || !client.connected) return;
  client.publish(
    topicOf(hub, "reading"),
    Buffer.from(encodeMessage({ series: SERIES, batch })),
    { qos: 1 },
    () => undefined,
  );
  say("batch sent", { firstSeq: batch[0]?.seq, lastSeq: batch.at(-1)?.seq, count: batch.length });
};

const readingOf = (sensor: string, raw: Buffer, kg: string, number: number, counter: number): Reading => {
  const values = [{ mdc: 188736, name: "MDC_MASS_BODY_ACTUAL", value: Number(kg), decimals: 2, unit: "kg" }];
  const assignment = config.hub.assignment as AssignmentId;
  const now = new Date().toISOString();
  const idem = idemOf({
    assignment,
    device: `sensor:${sensor}`,
    values,
    supplemental: [],
    when: { bootId: "stand-in", counter },
    durationMs: null,
    deviceSequence: null,
  });
  return {
    schema: "reading/1",
    id: readingIdOf(idem),
    idem,
    seq: seq(number),
    kind: "body-weight",
    assignment,
    status: "final",
    replaces: null,
    values,
    supplemental: [],
    context: {},
    flags: [],
    quality: [],
    time: {
      start: now,
      end: null,
      uncertaintyMs: null,
      basis: "reception",
      deviceRaw: null,
      coincident: null,
      received: { utc: now, bootId: "stand-in", monoMs: 0 },
      hubClock: { state: "ntp", errorMs: null },
      faults: [],
    },
    device: {
      systemId: null,
      manufacturer: "A&D",
      model: "EK-L",
      serial: null,
      firmware: null,
      udi: null,
      catalogue: "and-ek-l@1",
      batteryPercent: null,
    },
    provenance: {
      hubId: hub,
      hubVersion: "0.0.0",
      driver: "stand-in@0.0.0",
      transport: "serial",
      source: "and-line",
      rawHex: raw.toString("hex"),
    },
  };
};

const store = (sensor: string, raw: Buffer, kg: string, counter: number): void => {
  last += 1;
  const reading = readingOf(sensor, raw, kg, last, counter);
  waiting.set(last, reading);
  appendFileSync(journal, `${JSON.stringify({ reading })}\n`);
  say("reading stored", { sensor, seq: last, kind: reading.kind });
};

let lines = last;
const take = (sensor: string, text: string): void => {
  const match = /^ST,\+(\d{5}\.\d{2}) kg$/.exec(text);
  if (match === null) return;
  lines += 1;
  const wrong = lines % 3 === 0 ? options.wrong : "nothing";
  if (wrong === "lose") return;
  const raw = Buffer.from(`${text}\r\n`, "latin1");
  const kg = match[1] ?? "";
  if (wrong === "invent") store(sensor, Buffer.from("ST,+00000.00 kg\r\n"), "0", lines + 5000);
  store(sensor, raw, wrong === "alter" ? String(Number(kg) + 1) : kg, lines);
  if (wrong === "double") store(sensor, raw, kg, lines + 1000);
  send();
};

const clock = createRealClock();
const never = new AbortController().signal;
const later = (delayMs: number, then: () => void): void => {
  clock.sleep(millis(delayMs), never).then(then, () => process.exit(4));
};
const sendForEver = (): void => {
  send();
  later(500, sendForEver);
};

const listen = (sensor: string, path: string): void => {
  const port = new SerialPort({ path, baudRate: 2400 }, (error) => {
    if (error !== null) later(100, () => listen(sensor, path));
  });
  let text = "";
  port.on("data", (data: Buffer) => {
    text += data.toString("latin1");
    for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
      take(sensor, text.slice(0, end));
      text = text.slice(end + 2);
    }
  });
  port.on("close", () => later(100, () => listen(sensor, path)));
  port.on("open", () => {
    if (sensor === "scale") say("hub ready");
  });
};

client.on("connect", () => {
  say("link up", { protocol: "mqtt3.1.1" });
  client.subscribe(topicOf(hub, "receipt"), { qos: 1 }, send);
});
client.on("close", () => say("link down", { code: "link-lost" }));
client.on("message", (_topic, payload) => {
  const receipt = parseReceipt(payload);
  let settled = 0;
  for (const number of [...waiting.keys()]) {
    if (number > receipt.through) continue;
    waiting.delete(number);
    settled += 1;
  }
  appendFileSync(journal, `${JSON.stringify({ through: receipt.through })}\n`);
  say("receipt applied", { through: receipt.through, settled });
});
sendForEver();
// Whatever it is asked, every sensor has its bond already.
rmSync(config.diagnostics.socket, { force: true });
createServer((socket) => {
  socket.on("error", () => undefined);
  socket.once("data", () => socket.end(`${JSON.stringify({ data: { bond: {} } })}\n{"done":true,"exit":0}\n`));
}).listen(config.diagnostics.socket);
for (const { id, serial } of config.sensors) if (serial !== undefined) listen(id, serial.path);
process.on("SIGTERM", () => process.exit(0));
