import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { pathOf, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { networkRequirement } from "./support/able.ts";
import { type HubAtHome, isUp, onceEach, startHubAtHome } from "./support/hub-at-home.ts";

const required = networkRequirement();

/** What may leave a home: TLS to the region, name service, network time. All else is counted and dropped. */
const allowList = ({ network, broker }: HubAtHome): readonly string[] => [
  "ct state established,related counter name allowed accept",
  `ip daddr ${network.region} tcp dport ${broker.port} counter name allowed accept`,
  // Answers to a connection that is closed already belong to no state any more.
  `ip saddr ${network.region} tcp sport ${broker.port} counter name allowed accept`,
  "udp dport { 53, 123 } counter name allowed accept",
  "tcp dport 53 counter name allowed accept",
  "counter name foreign drop",
];

const listeners = ({ network }: HubAtHome): Promise<string> => network.run("hub", pathOf("ss") ?? "ss", "-lntupH");

const SEND_ELSEWHERE = `
  const socket = require("node:dgram").createSocket("udp4");
  socket.send("x", 9, process.argv[1], () => socket.close());`;
const LISTEN = `
  require("node:net").createServer().listen(1883, () => process.stdout.write("listens"));`;

it.skipIf(!required.available)(
  titled("R11, R12 a hub sends nothing but TLS to its region, and opens no port", required),
  { timeout: 240_000 },
  async () => {
    await using home = await startHubAtHome({ waiting: 200 });
    const { network, broker, hub } = home;
    await network.firewall(...allowList(home));
    await isUp(home);
    expect(await listeners(home)).toBe("");
    // A working life: readings, a broken link and the way back.
    for (let i = 0; i < 3; i++) await home.enter();
    await home.delivered(60_000);
    broker.cut();
    await until(() => broker.connects >= 2, "the hub came back", 60_000);
    await home.enter();
    await home.delivered(60_000);
    expect(await listeners(home)).toBe("");
    expect(await network.counted("allowed")).toBeGreaterThan(20);
    expect(await network.counted("foreign")).toBe(0);
    expect(home.region.counts()).toMatchObject(onceEach(home));
    await hub.stop();

    // The counter and the list would have shown it.
    await network.run("hub", process.execPath, "-e", SEND_ELSEWHERE, network.region);
    expect(await network.counted("foreign")).toBe(1);
    const [program, ...args] = network.at("hub", process.execPath, "-e", LISTEN);
    const listening = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const gone = once(listening, "close");
    try {
      await once(listening.stdout, "data");
      expect(await listeners(home)).toContain(":1883");
    } finally {
      listening.kill("SIGKILL");
      await gone;
    }
  },
);
