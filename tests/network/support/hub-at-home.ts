import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock } from "../../../gateway/clock/system-clock.ts";
import type { LinkView } from "../../../gateway/diagnostics/hub-view.ts";
import { openSqliteOutbox } from "../../../gateway/store/outbox.ts";
import type { Behaviour, PublishSeen } from "../../../hardware-sim/broker/behaviour.ts";
import { wellBehaved } from "../../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker, type ScriptedBroker } from "../../../hardware-sim/broker/scripted-broker.ts";
import { askHub } from "../../../hardware-sim/home/ask-hub.ts";
import type { HubLine } from "../../../hardware-sim/home/hub-log.ts";
import { createHubProcess, type HubProcess } from "../../../hardware-sim/home/hub-process.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../../hardware-sim/region/certificates.ts";
import { writeCredentials } from "../../../hardware-sim/region/credential-files.ts";
import { createNetwork } from "../../../hardware-sim/region/network.ts";
import { createRegionReceiver, type RegionReceiver } from "../../../hardware-sim/region/receiver.ts";
import { epochMs, type Millis, millis } from "../../../protocol/time.ts";
import { MAIN, testHome } from "../../gateway/support/test-hub.ts";
import { sampleReading } from "../../support/sample-reading.ts";
import { silentLogger } from "../../support/test-loggers.ts";
import { until } from "../../support/until.ts";
import { createHomeNetwork, type HomeNetwork } from "./home-network.ts";

/** The name of the region's broker in its certificate, and in a name service where a test has one. */
export const REGION_NAME = "broker.region.test";

/** The real hub in a home's network, with a broker of MQTT 5 and the region beyond the router. */
export interface HubAtHome extends AsyncDisposable {
  readonly network: HomeNetwork;
  /** Whom hub and region trust. */
  readonly authority: CertificateAuthority;
  readonly broker: ScriptedBroker;
  readonly region: RegionReceiver;
  readonly hub: HubProcess;
  /** What the hub said, as far as the simulator understands it. */
  readonly lines: readonly HubLine[];
  /** Every reading message that reached the broker. */
  readonly messages: readonly { readonly at: number; readonly bytes: number }[];
  /** Readings that the hub was given so far, by the test. */
  readonly given: number;
  /** Enter a measurement at the hub, which it has stored when this resolves. */
  enter(): Promise<void>;
  link(): Promise<LinkView>;
  /** Seconds of processor time that the hub has used. */
  cpuSeconds(): number;
  /** Every reading given has taken effect at the region, once, and the hub knows it. */
  delivered(deadlineMs: number): Promise<void>;
}

export interface HubAtHomeOptions {
  /** Readings that wait at the start. */
  readonly waiting?: number;
  /** What the broker asks of the hub; half-open links are noticed after 1.5 of it. */
  readonly keepaliveS?: number;
  /** From the hub to the broker and back, on top of what the network itself takes. */
  readonly roundTrip?: Millis;
  /** The hub finds the region by name and not by address. */
  readonly byName?: boolean;
  /** Before the hub starts. */
  readonly prepare?: (network: HomeNetwork) => Promise<void>;
}

const clock = createSystemClock();
const never = new AbortController().signal;
/** A hub starts in a second or two; the machine that runs the tests does other things as well. */
const START_BY_MS = 60_000;
/** USER_HZ, in which the kernel counts processor time: 100 on every architecture that Debian has. */
const TICKS_A_SECOND = 100;

const fill = async (folder: string, count: number): Promise<void> => {
  const directory = join(folder, "data", "outbox");
  await using outbox = await openSqliteOutbox({ directory, clock, logger: silentLogger });
  await outbox.append(Array.from({ length: count }, (_, index) => sampleReading(index + 1)));
};

const entry = (number: number): string =>
  JSON.stringify({
    schema: "entry/1",
    entry: randomUUID(),
    by: "patient",
    kind: "glucose",
    // 5.00, 5.01 ...: each is another measurement.
    values: { glucose: { value: (5 + (number % 1000) / 100).toFixed(2) } },
    choices: { meal: "fasting" },
  });

export const startHubAtHome = async (options: HubAtHomeOptions = {}): Promise<HubAtHome> => {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(await createHomeNetwork());
  const lines: HubLine[] = [];
  const messages: { at: number; bytes: number }[] = [];
  let given = 0;

  const authority = await createCertificateAuthority("network", epochMs(Date.now()));
  const server = await authority.server({ names: [REGION_NAME, network.region] });
  const region = stack.use(createRegionReceiver({ clock }));
  const behaviour: Behaviour = {
    ...wellBehaved,
    onConnect: () => ({
      tag: "connack",
      reasonCode: 0,
      ...(options.keepaliveS === undefined ? {} : { properties: { serverKeepAlive: options.keepaliveS } }),
    }),
    onPublish: (seen: PublishSeen) => {
      if (seen.topic.endsWith("/reading")) messages.push({ at: performance.now(), bytes: seen.payload.length });
      return { tag: "puback", reasonCode: 0 };
    },
  };
  const broker = stack.use(
    await createScriptedBroker({
      behaviour,
      tls: { ...server, ca: authority.certificate },
      clock,
      ...(options.roundTrip === undefined ? { host: network.region } : {}),
      onDelivered: (topic, payload) => region.receive(topic, payload),
    }),
  );
  region.attach(async (topic, payload) => broker.send(topic, payload));

  let { port } = broker;
  if (options.roundTrip !== undefined) {
    const delay = { oneWay: millis(options.roundTrip / 2), clock };
    port = stack.use(await createNetwork(() => broker.port, { host: network.region, delay })).port;
  }
  const url = `mqtts://${options.byName === true ? REGION_NAME : network.region}:${port}`;
  const home = stack.use(
    await testHome({ region: { url, ca: ["tls/ca.pem"], certificate: "tls/hub.crt", key: "tls/hub.key" } }),
  );
  await writeCredentials(authority, join(home.folder, "tls"), "hub-0042");
  if (options.waiting !== undefined) {
    await fill(home.folder, options.waiting);
    given += options.waiting;
  }
  await options.prepare?.(network);
  const hub = stack.use(
    createHubProcess({
      command: network.at("hub", process.execPath, MAIN, "run", "--config", home.configFile),
      clock,
      ptys: () => [],
      restartAfter: millis(20),
      observe: (event) => {
        if (event.tag === "line") lines.push(event.line);
      },
    }),
  );
  await hub.start(AbortSignal.timeout(START_BY_MS));

  const ask = async (...words: readonly string[]): Promise<unknown> => {
    let answer: unknown = null;
    for await (const frame of askHub(home.socket, words, never)) {
      if ("data" in frame) answer = frame.data;
      if ("error" in frame) throw new Error(`hub: ${frame.error}`);
    }
    return answer;
  };
  const link = async (): Promise<LinkView> => (await ask("link")) as LinkView;
  const kept = stack.move();
  return {
    network,
    authority,
    broker,
    region,
    hub,
    lines,
    messages,
    get given() {
      return given;
    },
    enter: async () => {
      const { outcome } = (await ask("entry submit", entry(given))) as { readonly outcome: string };
      if (outcome !== "stored") throw new Error(`the hub did not store an entry: ${outcome}`);
      given += 1;
    },
    link,
    cpuSeconds: () => {
      // Behind the name in parentheses, fields 14 and 15 of proc_pid_stat(5): user and system time.
      const fields = readFileSync(`/proc/${hub.pid}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    },
    delivered: async (deadlineMs) => {
      await until(() => region.counts().accepted >= given, "the region has every reading", deadlineMs);
      await until(async () => (await link()).waiting === 0, "the hub knows that it has", deadlineMs);
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
};

/** What every run must show at its end, whatever was done to the network. */
export const onceEach = ({ given }: HubAtHome) =>
  ({ accepted: given, refused: 0, duplicatesInEffect: 0, gaps: 0, unreadable: 0, numberingRestarts: 0 }) as const;

export const isUp = (home: HubAtHome): Promise<boolean> =>
  until(async () => (await home.link()).state === "up", "the link is up", 60_000);
