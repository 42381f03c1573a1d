import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathOf, requirement, titled } from "../../tests/support/requirements.ts";
import { createKeepingLogger, type LogLine, silentLogger } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import { createServiceNotify } from "./service-notify.ts";

let place = "";
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-notify-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const PID = 4711;

describe("whoever watches over the hub", () => {
  it("is nobody where a person starts it", async () => {
    const nobody = createServiceNotify({}, PID, silentLogger);
    expect(nobody.every).toBeNull();
    await nobody.tell("ready");
  });

  it("waits three times as long as a sign takes", () => {
    const every = (env: object): number | null =>
      createServiceNotify({ HEMHUB_ALIVE: join(place, "alive"), ...env }, PID, silentLogger).every;
    expect(every({ WATCHDOG_USEC: "60000000" })).toBe(20_000);
    expect(every({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: String(PID) })).toBe(20_000);
    expect(every({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" })).toBeNull();
    for (const garbage of ["", "0", "-1", "soon", "1e9", "9".repeat(30)]) {
      expect(every({ WATCHDOG_USEC: garbage })).toBeNull();
    }
    expect(every({})).toBeNull();
  });

  it("reads in a file what state the hub is in and that it goes on, whole at any time", async () => {
    const file = join(place, "alive");
    const notify = createServiceNotify({ HEMHUB_ALIVE: file }, PID, silentLogger);
    const signs = [notify.tell("ready"), notify.tell("alive"), notify.tell("alive")];
    const found: string[] = [];
    const look = async (): Promise<boolean> => found.push(await readFile(file, "latin1").catch(() => "none")) > 50;
    await Promise.all([...signs, until(look, "many looks")]);
    expect(found.filter((text) => !/^(none|ready [123]\n)$/.test(text))).toEqual([]);
    expect(await readFile(file, "latin1")).toBe("ready 3\n");
    await notify.tell("stopping");
    await notify.tell("alive");
    expect(await readFile(file, "latin1")).toBe("stopping 5\n");
  });

  it("is not told by a disk that refuses, which is said once", async () => {
    const lines: LogLine[] = [];
    const notify = createServiceNotify(
      { HEMHUB_ALIVE: join(place, "no folder", "alive") },
      PID,
      createKeepingLogger(lines),
    );
    await notify.tell("ready");
    await notify.tell("alive");
    expect(lines).toMatchObject([{ level: "error", message: expect.stringContaining("cannot be told") }]);
  });
});

const tools = [requirement("systemd-notify"), requirement("perl")];
const missing = tools.find(({ available }) => !available) ?? { available: true, reason: null };

/** systemd's end of the socket: one line for each datagram. */
const RECEIVE = `
  socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
  $| = 1;
  print "bound\\n";
  while (defined recv($socket, my $text, 4096, 0)) { $text =~ s/\\n/ /g; print "$text\\n" }
`;

describe.skipIf(!missing.available)(titled("systemd", missing), () => {
  it("is told over its socket that the hub is ready, lives and stops", async () => {
    const socket = join(place, "notify");
    const receiver = spawn(pathOf("perl") ?? "", ["-MSocket", "-e", RECEIVE, socket]);
    const heard: string[] = [];
    createInterface({ input: receiver.stdout }).on("line", (line) => heard.push(line));
    try {
      await until(() => heard.includes("bound"), "the socket is there");
      const lines: LogLine[] = [];
      const notify = createServiceNotify({ NOTIFY_SOCKET: socket }, PID, createKeepingLogger(lines));
      for (const sign of ["ready", "alive", "stopping"] as const) await notify.tell(sign);
      await until(() => heard.includes("STOPPING=1"), "the last sign arrives");
      // Its own barrier comes between them (sd_notify_barrier(3)).
      expect(heard.filter((line) => line !== "bound" && line !== "BARRIER=1")).toEqual([
        "READY=1 WATCHDOG=1",
        "WATCHDOG=1",
        "STOPPING=1",
      ]);
      expect(lines).toEqual([]);
    } finally {
      receiver.kill();
    }
  });

  it("that is gone costs a line in the log and nothing else", async () => {
    const lines: LogLine[] = [];
    const env = { NOTIFY_SOCKET: join(place, "gone"), WATCHDOG_USEC: "3000000" };
    const notify = createServiceNotify(env, PID, createKeepingLogger(lines));
    for (const sign of ["ready", "alive", "alive"] as const) await notify.tell(sign);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(3);
  });
});
