import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { askChrony } from "../../gateway/clock/ask-chrony.ts";
import { createHubTime } from "../../gateway/clock/hub-time.ts";
import { type AskSource, machineSigns } from "../../gateway/clock/machine-signs.ts";
import type { SourceAnswer, Synchronisation } from "../../gateway/clock/synchronisation.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { startNtpServer } from "../../hardware-sim/clock/ntp-server.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type Chronyd, freeUdpPort, startChronyd } from "./chronyd.ts";

const clock = createSystemClock();
const chronyd = requirement("chronyd");

/** A server that has nothing but its own clock, and says that it is a stratum 1. */
const startServer = (): Promise<Chronyd> => startChronyd(["local stratum 1"]);

/** Eight questions a second, so that the test does not wait for the usual minute. */
const startClient = (port: number): Promise<Chronyd> =>
  startChronyd([`server 127.0.0.1 port ${port} iburst minpoll -3 maxpoll -3`]);

const untilAnswer = <T extends SourceAnswer["tag"]>(port: number, tag: T, what: string) =>
  until(async () => {
    const answer = await askChrony(clock, port);
    return answer.tag === tag ? (answer as Extract<SourceAnswer, { readonly tag: T }>) : null;
  }, what);

describe.skipIf(!chronyd.available)(titled("a real chronyd", chronyd), () => {
  it("tells how well it keeps the clock, as chronyc reads it too", async () => {
    await using server = await startServer();
    await using client = await startClient(server.ntpPort);
    const sync = await until(async () => {
      const found = await untilAnswer(client.commandPort, "synchronised", "the client follows");
      return found.sync.boundMs < 50 ? found.sync : null;
    }, "it has measured often enough to know it well");
    expect(sync).toMatchObject({ source: "chrony", reference: "127.0.0.1", stratum: 2 });
    expect(sync.boundMs).toBeGreaterThan(0);
    expect(sync.ageMs).toBeLessThan(10_000);
    const port = String(client.commandPort);
    const { stdout } = await promisify(execFile)("chronyc", ["-h", "127.0.0.1", "-p", port, "-n", "-c", "tracking"]);
    const fields = stdout.trim().split(",");
    expect(fields.slice(1, 3)).toEqual([sync.reference, String(sync.stratum)]);
    // Another exchange may lie between the two questions.
    expect(Math.abs(Number(fields[3]) * 1000 - sync.comparison)).toBeLessThan(10_000);
  });

  it("does not count as synchronised while it knows no server, nor by its own clock alone", async () => {
    await using alone = await startServer();
    await untilAnswer(alone.commandPort, "unsynchronised", "the local reference is seen for what it is");
    await using orphan = await startChronyd([`server 127.0.0.1 port ${await freeUdpPort()}`]);
    const { why } = await untilAnswer(orphan.commandPort, "unsynchronised", "it says that it has no server");
    expect(why).toBe("no server chosen");
  });

  it("is out of the way when it hangs, and absent when it is gone", async () => {
    await using server = await startServer();
    await untilAnswer(server.commandPort, "unsynchronised", "it answers");
    server.signal("SIGSTOP");
    const asked = performance.now();
    expect(await askChrony(clock, server.commandPort)).toEqual({ tag: "silent", why: "no answer within 500 ms" });
    expect(performance.now() - asked).toBeLessThan(5000);
    server.signal("SIGCONT");
    await untilAnswer(server.commandPort, "unsynchronised", "it answers again");
    await server.kill();
    expect(await askChrony(clock, server.commandPort)).toEqual({ tag: "absent" });
  });

  it("says less and less of the clock when its server is gone, and the hub with it", async () => {
    await using server = await startServer();
    await using client = await startClient(server.ntpPort);
    const first = await untilAnswer(client.commandPort, "synchronised", "the client follows");
    await server.kill();
    const later = await until(async () => {
      const { sync } = await untilAnswer(client.commandPort, "synchronised", "it still holds what it learnt");
      return sync.ageMs > first.sync.ageMs + 1500 ? sync : null;
    }, "the comparison gets older");
    expect(later.boundMs).toBeGreaterThan(0.015);
  });

  it("has a bound that covers how far the clock really is off", async () => {
    await using server = await startNtpServer({ aheadMs: 7000 });
    await using client = await startClient(server.port);
    const { sync } = await untilAnswer(client.commandPort, "synchronised", "the client follows");
    expect(sync).toMatchObject({ reference: "127.0.0.1", stratum: 2 });
    expect(sync.boundMs).toBeGreaterThan(6900);
    expect(sync.boundMs).toBeLessThan(9000);
  });
});

describe("a program on chronyd's port that is not chronyd", () => {
  const answering = async (answer: (request: Buffer) => Uint8Array | null) => {
    const socket = createSocket("udp4");
    socket.on("message", (request, from) => {
      const bytes = answer(request);
      if (bytes !== null) socket.send(bytes, from.port, from.address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return { port: socket.address().port, [Symbol.dispose]: () => void socket.close() };
  };

  it.each<[string, (request: Buffer) => Uint8Array | null]>([
    ["says nothing", () => null],
    ["echoes", (request) => request],
    ["sends nothing but an empty packet", () => new Uint8Array()],
    ["sends a long one of ones", () => new Uint8Array(1400).fill(255)],
  ])("is not believed when it %s", async (_, answer) => {
    using port = await answering(answer);
    expect(await askChrony(clock, port.port)).toMatchObject({ tag: "silent" });
  });
});

const sync = (changes: Partial<Synchronisation>): SourceAnswer => ({
  tag: "synchronised",
  sync: {
    source: "chrony",
    reference: null,
    stratum: 2,
    boundMs: 10,
    drift: 10e-6,
    ageMs: seconds(60),
    comparison: 0,
    ...changes,
  },
});
const timesyncd = (changes: Partial<Synchronisation> = {}) => sync({ source: "timesyncd", boundMs: 100, ...changes });
const kernel = sync({ source: "kernel", boundMs: 3 });
const absent: SourceAnswer = { tag: "absent" };
const none: SourceAnswer = { tag: "unsynchronised", why: "no server chosen" };
const hung: SourceAnswer = { tag: "silent", why: "no answer within 500 ms" };
const stale = millis(150 * 60_000);

describe("several sources", () => {
  it.each<[string, SourceAnswer, SourceAnswer, SourceAnswer, Partial<Synchronisation> | null]>([
    ["chrony alone", sync({}), absent, absent, { source: "chrony", boundMs: 10 }],
    ["timesyncd where chrony does not run", absent, timesyncd(), kernel, { source: "timesyncd", boundMs: 100 }],
    ["timesyncd where chrony has no server", none, timesyncd(), kernel, { source: "timesyncd" }],
    ["the kernel where no daemon is known", absent, absent, kernel, { source: "kernel", boundMs: 3 }],
    ["the kernel where chrony hangs", hung, absent, kernel, { source: "kernel" }],
    ["nobody where chrony keeps the kernel's clock by itself", none, absent, kernel, null],
    [
      "chrony, as badly as the worse says, where both do",
      sync({}),
      timesyncd(),
      absent,
      { source: "chrony", boundMs: 100 },
    ],
    [
      "the one that has heard lately",
      sync({ ageMs: stale }),
      timesyncd(),
      absent,
      { source: "timesyncd", boundMs: 100 },
    ],
    [
      "the later one where neither has",
      sync({ ageMs: stale }),
      timesyncd({ ageMs: millis(stale - 1) }),
      absent,
      { source: "timesyncd" },
    ],
    ["nobody where nobody says so", none, absent, absent, null],
  ])("%s", async (_, chrony, other, ofKernel, expected) => {
    const ask: AskSource = { chrony: async () => chrony, timesyncd: async () => other, kernel: async () => ofKernel };
    const found = await machineSigns(clock, ask)();
    if (expected === null) expect(found.sync).toBeNull();
    else expect(found.sync).toMatchObject(expected);
  });
});

it("reads this machine, whatever it has, in a few seconds and without an error", async () => {
  const asked = performance.now();
  const time = createHubTime({ clock, bootId: "boot", zeroAt: millis(0), signs: machineSigns(clock) });
  await time.look();
  expect(performance.now() - asked).toBeLessThan(5000);
  expect(time.status().answers).toMatchObject({ chrony: {}, timesyncd: {}, kernel: {} });
});
