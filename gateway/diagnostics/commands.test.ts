import { describe, expect, it } from "vitest";
import { HubError } from "../../protocol/errors.ts";
import { sensorId } from "../../protocol/ids.ts";
import { epochMs } from "../../protocol/time.ts";
import { sampleHub, sampleLink, sampleSensor } from "../../tests/gateway/support/sample-hub-view.ts";
import { findingsOf } from "./check-command.ts";
import type { DiagnosticCommand } from "./command.ts";
import { hubCommands } from "./hub-commands.ts";
import type { HubView } from "./hub-view.ts";
import { createRegistry, type Frame } from "./registry.ts";

const never = new AbortController().signal;

const ask = async (hub: HubView, words: string, json = false): Promise<readonly Frame[]> => {
  const frames: Frame[] = [];
  for await (const frame of createRegistry(hubCommands(hub)).ask(words.split(" "), json, never)) frames.push(frame);
  return frames;
};

const linesOf = (frames: readonly Frame[]): readonly string[] =>
  frames.flatMap((frame) => ("line" in frame ? [frame.line] : []));
const dataOf = (frames: readonly Frame[]): readonly unknown[] =>
  frames.flatMap((frame) => ("data" in frame ? [frame.data] : []));

const LONG = "the network asks for a login, or something else answers there; sign in to the network once ".repeat(3);

const troubled = (): HubView =>
  sampleHub({
    outbox: async () => ({
      depth: { waiting: 412, refused: 2, oldest: null, newest: null },
      stored: 0,
      duplicates: 0,
      invalid: 0,
      held: 9,
      trouble: `outbox append: ${LONG}`,
      freeMb: null,
    }),
    account: async () => ({
      account: {
        lines: [
          {
            sensor: "s".repeat(64),
            day: "2026-11-22",
            stored: 99_999,
            receipted: 9,
            waiting: 9,
            refused: 9,
            unreadable: 9,
          },
        ],
        numbers: { from: 1, to: 200_000 },
        skipped: 10_000,
      },
      sent: 0,
      taken: { stored: 0, known: 0, invalid: 9, turnedAway: 0 },
      refused: Array.from({ length: 12 }, (_, i) => ({ seq: i + 1, reason: LONG })),
      quarantined: [{ seq: 13, reason: LONG }],
    }),
    captures: async () => [
      { sensor: "s".repeat(64), channel: "c".repeat(32), reason: LONG, rawHex: "00".repeat(512), receivedUtc: null },
    ],
    link: () =>
      sampleLink({
        state: "backing-off",
        forS: 90_000,
        protocol: null,
        receipts: false,
        nextAttemptS: 12,
        trouble: LONG,
      }),
    stamp: () => ({ ...sampleHub().stamp(), utc: null, hubClock: { state: "unset", errorMs: null } }),
    certificate: async () => ({ notAfter: null, trouble: LONG }),
    radio: () => ({ adapter: "hci0", state: "absent", trouble: LONG }),
    sensors: () => [
      sampleSensor({ state: "set-aside", seenS: null, storedS: null, trouble: LONG }),
      sampleSensor({ id: sensorId("s".repeat(64)), seenS: null, storedS: null }),
    ],
    console: () => ({ path: "/dev/ttyGS0", trouble: LONG }),
  });

describe("diagnostic commands", () => {
  it.each(["status", "sensor list", "outbox", "outbox account", "outbox captures", "link", "time", "check", "help"])(
    "%s fits 80 columns and ends with done, for a hub that is well and for one where everything is broken",
    async (name) => {
      for (const hub of [
        sampleHub(),
        troubled(),
        sampleHub({ sensors: () => [], radio: () => null, console: () => null }),
      ]) {
        const frames = await ask(hub, name);
        const lines = linesOf(frames);
        expect(lines.length).toBeGreaterThan(0);
        expect(lines.filter((line) => line.length > 80)).toEqual([]);
        expect(dataOf(frames)).toEqual([]);
        expect(frames.at(-1)).toMatchObject({ done: true });
      }
    },
  );

  it.each(["status", "sensor list", "outbox", "outbox account", "outbox captures", "link", "time", "check", "help"])(
    "%s answers a program with exactly one JSON value and no lines",
    async (name) => {
      const frames = await ask(sampleHub(), name, true);
      expect(linesOf(frames)).toEqual([]);
      expect(dataOf(frames)).toHaveLength(1);
      expect(frames.at(-1)).toEqual({ done: true, exit: 0 });
    },
  );

  it("shows the whole hub in status", async () => {
    expect(linesOf(await ask(sampleHub(), "status"))).toEqual([
      "hub          hub-0042, version 0.1.0, up 2 h 5 min",
      "link         online since 10 min (mqtt5)",
      "outbox       3 waiting, 0 refused, newest number 4711",
      "radio        ready",
      "sensors      2 of 2 ready",
      "clock        2026-06-15T12:00:00Z, ntp by chrony, within 100 ms",
      "certificate  ends 2026-09-13 (in 90 days)",
      "process      84.1 MB, event loop delayed at most 1.2 ms, 31 open files",
    ]);
  });

  it("lists no sensors as an empty list for programs and a sentence for people", async () => {
    const hub = sampleHub({ sensors: () => [] });
    expect(dataOf(await ask(hub, "sensor list", true))).toEqual([[]]);
    expect(linesOf(await ask(hub, "sensor list"))).toEqual(["no sensors configured"]);
  });

  it("says in link and status that readings settle without receipts", async () => {
    expect(linesOf(await ask(troubled(), "link")).join("\n")).toContain("PUBACK (receipts: false)");
    expect(linesOf(await ask(troubled(), "status")).join(" ")).toMatch(/settled without\s+receipts/);
  });
});

describe("check", () => {
  it("passes with exit 0 when everything is well", async () => {
    const frames = await ask(sampleHub(), "check");
    expect(linesOf(frames).at(-1)).toBe("PASS: 8 of 8 tests passed");
    expect(frames.at(-1)).toEqual({ done: true, exit: 0 });
  });

  it("fails with exit 1 and a next step for each test that did not pass", async () => {
    const frames = await ask(troubled(), "check", true);
    expect(frames.at(-1)).toEqual({ done: true, exit: 1 });
    const findings = await findingsOf(troubled());
    expect(findings.map(({ name, result }) => `${name} ${result}`)).toEqual([
      "storage fail",
      "clock fail",
      "link fail",
      "certificate fail",
      "radio fail",
      "sensor cuff fail",
      `sensor ${"s".repeat(64)} unknown`,
      "console fail",
    ]);
    expect(findings.filter(({ next }) => next === null)).toEqual([]);
  });

  it("does not count a sensor that nobody used since the start as broken", async () => {
    const hub = sampleHub({ sensors: () => [sampleSensor({ seenS: null, storedS: null })] });
    const frames = await ask(hub, "check");
    expect(linesOf(frames).at(-1)).toBe("PASS: 6 of 7 tests passed, 1 not known");
    expect(linesOf(frames).join("\n")).toContain("Next: take a measurement with it");
    expect(frames.at(-1)).toEqual({ done: true, exit: 0 });
  });

  it.each<[string, Partial<HubView>, string]>([
    [
      "a certificate that ends soon",
      { certificate: async () => ({ notAfter: epochMs(Date.UTC(2026, 5, 20)), trouble: null }) },
      "certificate",
    ],
    [
      "a disk that is nearly full",
      { outbox: async () => ({ ...(await sampleHub().outbox()), freeMb: 40 }) },
      "storage",
    ],
    [
      "readings that the region refused",
      {
        outbox: async () => ({
          ...(await sampleHub().outbox()),
          depth: { waiting: 0, refused: 1, oldest: null, newest: null },
        }),
      },
      "storage",
    ],
  ])("warns of %s", async (_, changes, failing) => {
    const findings = await findingsOf(sampleHub(changes));
    expect(findings.filter(({ result }) => result === "fail").map(({ name }) => name)).toEqual([failing]);
  });

  it("time says who keeps the clock, how well, since when, and what the others said", async () => {
    expect(linesOf(await ask(sampleHub(), "time"))).toEqual([
      "time         2026-06-15T12:00:00.000Z (UTC)",
      "state        synchronised, since 60 min, at most 100 ms off",
      "kept by      chrony (192.0.2.7, stratum 2), asked 12 s ago",
      "clock chip   there is one",
      "chrony       not synchronised: no server chosen",
      "timesyncd    not asked, or does not run here",
    ]);
    const unset = sampleHub({
      stamp: () => ({ ...sampleHub().stamp(), utc: null }),
      clock: () => ({ ...sampleHub().clock(), state: "unset", errorMs: null, last: null, answers: {} }),
    });
    expect(linesOf(await ask(unset, "time"))).toEqual([
      "time         not set: connect the hub to the network, so that it gets the time",
      "state        not set, since 60 min, error not known",
      "kept by      nothing since the machine started",
      "clock chip   there is one",
    ]);
  });

  it("does not call an unproven clock broken", async () => {
    const stamp = () => ({ ...sampleHub().stamp(), hubClock: { state: "holdover", errorMs: null } as const });
    const [clock] = (await findingsOf(sampleHub({ stamp }))).filter(({ name }) => name === "clock");
    expect(clock?.result).toBe("unknown");
  });
});

describe("registry", () => {
  it("answers an unknown command with the one probably meant, as wrong usage", async () => {
    expect(await ask(sampleHub(), "statsu")).toEqual([
      { error: 'unknown command "statsu" (did you mean status?); help lists them' },
      { done: true, exit: 2 },
    ]);
    expect(await ask(sampleHub(), "sensor")).toMatchObject([{ error: expect.any(String) }, { exit: 2 }]);
    expect(await ask(sampleHub(), "status all")).toMatchObject([{ error: /takes no arguments/ }, { exit: 2 }]);
  });

  it("turns a failure of a command into its sentence, and lets a broken invariant through", async () => {
    const failing = (thrown: Error): DiagnosticCommand => ({
      name: "fail",
      summary: "fails",
      role: "view",
      // biome-ignore lint/correctness/useYield: it fails before it answers
      async *run() {
        throw thrown;
      },
    });
    const frames: Frame[] = [];
    const sentence = new HubError("aborted", "fail: stopped; ask again");
    for await (const frame of createRegistry([failing(sentence)]).ask(["fail"], false, never)) frames.push(frame);
    expect(frames).toEqual([{ error: "fail: stopped; ask again" }, { done: true, exit: 1 }]);
    const broken = createRegistry([failing(new TypeError("x is undefined"))]).ask(["fail"], false, never);
    await expect(Array.fromAsync(broken)).rejects.toThrow(TypeError);
  });

  it("names every command in help", async () => {
    const help = linesOf(await ask(sampleHub(), "help"));
    expect(help.map((line) => line.split("  ")[0])).toEqual([
      "status",
      "sensor list",
      "sensor nearby",
      "outbox",
      "outbox account",
      "outbox captures",
      "link",
      "time",
      "check",
      "help",
    ]);
  });

  it("outbox account says what became of each sensor's readings, of the newest days first", async () => {
    const lines = linesOf(await ask(sampleHub(), "outbox account"));
    expect(lines[0]).toMatch(/^DAY \(UTC\) +SENSOR +STORED +RECEIPTED +WAITING +REFUSED +DAMAGED$/);
    expect(lines[1]).toMatch(/^2026-11-22 +cuff +3 +1 +1 +1 +0$/);
    expect(lines[3]).toMatch(/^no clock +- +1 +0 +0 +0 +1$/);
    expect(lines.slice(4)).toEqual([
      "numbers    1 to 6; no number is missing",
      "sent       1 sent and waiting for the region's receipt",
      "taken      since start 3 stored, 4 known already, 0 invalid, 2 turned away",
      "refused    number 5: no such assignment",
      "not taken  number 6: the broker takes packets of 1024 bytes",
    ]);
    expect(linesOf(await ask(sampleHub(), "outbox account 1")).filter((line) => line.includes("cuff"))).toHaveLength(1);
    expect(await ask(sampleHub(), "outbox account -1")).toContainEqual({
      error: 'outbox account: expected a number of days, found "-1"',
    });
    const [json] = dataOf(await ask(troubled(), "outbox account", true)) as [{ skipped: number; refused: unknown[] }];
    expect(json).toMatchObject({ skipped: 10_000 });
    expect(json.refused).toHaveLength(12);
  });
});
