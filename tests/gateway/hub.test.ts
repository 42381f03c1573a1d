import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { describe, expect, it } from "vitest";
import { openPty } from "../../hardware-sim/pty/pty.ts";
import { tanitaLine } from "../../hardware-sim/serial/scale-lines.ts";
import { until } from "../support/until.ts";
import { ENVIRONMENT, hemhub, MAIN, startHub, testHome } from "./support/test-hub.ts";

/** The whole stop takes 10 s at most; a loaded machine needs some time around it. */
const STOP_WITHIN_MS = 12_000;

/** Values that stand nowhere else in a log. */
const BODY = {
  weightTenths: 873,
  fatPercentTenths: 237,
  impedanceOhmTenths: 6129,
  heightCm: 181,
  age: 67,
  gender: "female",
} as const;

/** User id of nobody on Linux (Debian policy 9.2.2). */
const NOBODY = 65_534;

/** Serial port that another program holds open. */
const holdOpen = async (path: string): Promise<AsyncDisposable> => {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => port.close(() => resolve())) };
};

describe("hub process", () => {
  it("goes on with what works: no adapter, no port, a busy port, no broker, an unknown model", async () => {
    await using busy = await openPty();
    await using _holder = await holdOpen(busy.path);
    await using hub = await startHub(
      {
        ble: { adapter: { type: "uart", path: "/dev/hemhub-no-adapter" } },
        sensors: [
          { id: "cuff", model: "and-ua-651ble", ble: { address: "c0:26:da:00:00:01" } },
          { id: "absent", model: "nonin-3150", serial: { path: "/dev/hemhub-no-port" } },
          { id: "busy", model: "tanita-sc-240", serial: { path: busy.path } },
          { id: "strange", model: "nonin-315", serial: { path: "/dev/hemhub-strange" } },
        ],
        diagnostics: { socket: "./hemhub.sock", serial: { path: "/dev/hemhub-no-console" } },
      },
      [busy],
    );
    await hub.logged("link down");

    const status = await hub.ask("status", "--json");
    expect(status.exit).toBe(0);
    expect(JSON.parse(status.out)).toMatchObject({
      hub: { id: "hub-0042" },
      link: { state: expect.stringMatching(/^(backing-off|connecting)$/) },
      outbox: { waiting: 0 },
      radio: { state: "absent" },
      sensors: { configured: 4, ready: 0 },
    });

    const check = await hub.ask("check", "--json");
    expect(check.exit).toBe(1);
    const tests = JSON.parse(check.out).tests as readonly { name: string; result: string; found: string }[];
    const found = new Map(tests.map((test) => [test.name, test]));
    expect(found.get("storage")).toMatchObject({ result: "pass" });
    expect(found.get("certificate")).toMatchObject({ result: "pass" });
    for (const [name, sentence] of [
      ["link", /nobody listens at that address and port; check both/],
      ["radio", /hemhub-no-adapter: there is no such port; plug the adapter in/],
      ["sensor absent", /hemhub-no-port: not there; connect the sensor's cable/],
      ["sensor busy", /another program has it open; stop that program/],
      ["sensor strange", /not in the catalogue \(did you mean nonin-3150\?\)/],
      ["console", /hemhub-no-console: not there/],
    ] as const) {
      expect(found.get(name), name).toMatchObject({ result: "fail", found: expect.stringMatching(sentence) });
    }

    const asked = performance.now();
    hub.kill("SIGTERM");
    expect(await hub.ended()).toEqual({ exit: 0, signal: null });
    expect(performance.now() - asked).toBeLessThan(STOP_WITHIN_MS);
    expect(hub.log.at(-1)?.msg).toBe("hub stopped");
    expect(hub.log.filter(({ omitted }) => omitted !== undefined)).toEqual([]);
    expect(hub.err()).toBe("");
  });

  it("measures on without a certificate, says why there is no link, and uses the certificate when it comes", async () => {
    await using home = await testHome();
    await using hub = await startHub({
      region: {
        url: "mqtts://127.0.0.1:1",
        ca: [join(home.folder, "tls", "ca.pem")],
        certificate: "./late.crt",
        key: join(home.folder, "tls", "hub.key"),
      },
    });
    const down = await hub.logged("link down");
    expect(down).toMatchObject({
      code: "certificate-unreadable",
      reason: expect.stringMatching(/late\.crt: no such file; put it there/),
    });
    const link = await hub.ask("link", "--json");
    expect(JSON.parse(link.out).certificate).toMatchObject({
      notAfter: null,
      trouble: expect.stringContaining("late.crt"),
    });
    await writeFile(join(hub.folder, "late.crt"), await readFile(join(home.folder, "tls", "hub.crt")));
    const after = await hub.ask("link", "--json");
    expect(JSON.parse(after.out).certificate).toMatchObject({ trouble: null });
  });

  it("refuses to start a second hub on the same data, and leaves the first alone", async () => {
    await using hub = await startHub();
    const second = await hemhub(["run", "--config", hub.configFile]);
    expect(second.exit).toBe(5);
    expect(second.err).toMatch(/^hemhub: another hub answers at .*hemhub\.sock; stop it, or give this one/);
    await rm(hub.socket);
    const third = await hemhub(["run", "--config", hub.configFile]);
    expect(third.exit).toBe(5);
    expect(third.err).toMatch(/another hub is using it; stop that one/);
  });

  it("ends with one sentence where its data folder cannot be", async () => {
    await using home = await testHome({
      hub: { id: "hub-0042", assignment: "a-1", dataDir: "/dev/null/data", timeZone: "Europe/Stockholm" },
    });
    const { exit, err } = await hemhub(["run", "--config", home.configFile]);
    expect(exit).toBe(1);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(err).toMatch(/^hemhub: outbox/);
  });

  it("starts again where it was killed, and has what it had", async () => {
    await using pty = await openPty();
    await using home = await testHome({
      sensors: [{ id: "scale", model: "tanita-sc-240", serial: { path: pty.path } }],
    });
    {
      await using hub = await startHub(home, [pty]);
      await hub.logged("serial sensor connected");
      await pty.write(tanitaLine(BODY, "00000002").bytes);
      await hub.logged("reading stored");
      hub.kill("SIGKILL");
      await hub.ended();
    }
    expect((await hemhub(["status", "--config", home.configFile])).err).toContain("its hub has stopped");
    await using again = await startHub(home, [pty]);
    expect(JSON.parse((await again.ask("outbox", "--json")).out)).toMatchObject({ waiting: 1, stored: 0 });
  });

  it("takes a reading from a serial line into the outbox, and no value or identity into its log", async () => {
    await using pty = await openPty();
    await using hub = await startHub(
      { sensors: [{ id: "scale", model: "tanita-sc-240", serial: { path: pty.path } }] },
      [pty],
    );
    await hub.logged("serial sensor connected");
    const { bytes } = tanitaLine(BODY, "00000002");
    const broken = Buffer.from(bytes);
    broken[30] = 0x7e;
    await pty.write(broken);
    await hub.logged("message not understood, kept");
    await pty.write(Buffer.from("planted-in-noise 87.3 kg\r\n"));
    await pty.write(bytes);
    expect(await hub.logged("reading stored")).toMatchObject({ sensor: "scale", seq: 1, kind: "body-composition" });
    hub.kill("SIGTERM");
    expect((await hub.ended()).exit).toBe(0);

    const said = hub.out() + hub.err();
    expect(said).not.toMatch(/87[.,]3|873|23[.,]7|612[.,]9|planted|a-7f3c9b|00000002/);
    expect(said).not.toContain(Buffer.from("87.3").toString("hex"));
    expect(hub.log.length).toBeGreaterThan(5);
    expect(hub.log.filter(({ omitted }) => omitted !== undefined)).toEqual([]);
  });

  it("lives on when nobody reads its log any more, and still stops in order", async () => {
    await using hub = await startHub({
      // Says at each attempt that it is not there: the hub goes on writing.
      sensors: [{ id: "absent", model: "nonin-3150", serial: { path: "/dev/hemhub-no-port" } }],
    });
    hub.closeLog();
    await until(async () => {
      const { exit, out } = await hub.ask("status", "--json");
      return exit === 0 && JSON.parse(out).health.uptimeS >= 2;
    }, "the hub answers after writing in vain");
    hub.kill("SIGTERM");
    expect(await hub.ended()).toEqual({ exit: 0, signal: null });
  });
});

/** A pipe that is full, held open by somebody who never reads. */
const stalledReader = (path: string): { readonly fd: number } & Disposable => {
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const isFull = (bytes: Uint8Array): boolean => {
    try {
      writeSync(fd, bytes);
      return false;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN") throw thrown;
      return true;
    }
  };
  while (!isFull(new Uint8Array(4096)));
  while (!isFull(new Uint8Array(1)));
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
};

it("works and stops in order although whoever reads its log has stalled", async () => {
  await using home = await testHome();
  using reader = stalledReader(join(home.folder, "log"));
  const log = openSync(join(home.folder, "log"), constants.O_WRONLY);
  const child = spawn(process.execPath, [MAIN, "run", "--config", home.configFile], {
    env: ENVIRONMENT,
    stdio: ["ignore", log, "inherit"],
  });
  closeSync(log);
  const ended = once(child, "exit");
  expect(reader.fd).toBeGreaterThan(0);
  await until(async () => (await hemhub(["status", "--socket", home.socket])).exit === 0, "the hub answers");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});

describe("hub commands", () => {
  it("answer 3 where the hub belongs to another user", async () => {
    await using hub = await startHub();
    const isRoot = process.getuid?.() === 0;
    // Root may open anything, so it asks as nobody; anybody else loses the way to the socket.
    if (!isRoot) await chmod(hub.folder, 0o000);
    const { exit, err } = await hemhub(["status", "--socket", hub.socket], "", isRoot ? NOBODY : undefined);
    if (!isRoot) await chmod(hub.folder, 0o700);
    expect(exit).toBe(3);
    expect(err).toMatch(/hemhub\.sock: permission denied; run the command as the hub's user/);
  });

  it("answer 4 with the next step where no hub runs", async () => {
    await using home = await testHome();
    for (const name of [["status"], ["sensor", "list"], ["outbox"], ["link"], ["check"]]) {
      const { exit, out, err } = await hemhub([...name, "--config", home.configFile]);
      expect(exit).toBe(4);
      expect(out).toBe("");
      expect(err).toMatch(/^hemhub: no hub answers at .*\(no such file\); start it with hemhub run --config FILE/);
      expect(err.trim().split("\n")).toHaveLength(1);
    }
  });

  it("are the same by socket and by configuration, in words and in JSON", async () => {
    await using hub = await startHub();
    for (const name of [["status"], ["sensor", "list"], ["outbox"], ["link"]]) {
      const words = await hemhub([...name, "--config", hub.configFile]);
      expect(words.exit).toBe(0);
      expect(words.out.split("\n").filter((line) => line.length > 80)).toEqual([]);
      const json = await hub.ask(...name, "--json");
      expect(json.exit).toBe(0);
      expect(json.out.trim().split("\n")).toHaveLength(1);
      expect(() => JSON.parse(json.out)).not.toThrow();
    }
    expect(JSON.parse((await hub.ask("sensor", "list", "--json")).out)).toEqual([]);
  });
});
