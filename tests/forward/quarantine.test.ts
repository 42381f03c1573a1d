import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createIsolation, type Quarantined } from "../../gateway/forward/isolation.ts";
import { openQuarantine, type Quarantine } from "../../gateway/forward/quarantine.ts";
import { retryCommand } from "../../gateway/forward/retry-command.ts";
import { createSealedFile } from "../../gateway/store/sealed-file.ts";
import { loadStateKey } from "../../gateway/store/state-key.ts";
import { type Seq, seq } from "../../protocol/ids.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";

const SERIES = "5e71e5000001";
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-quarantine-"));
  file = join(folder, "quarantine.sealed");
});
afterEach(() => rm(folder, { recursive: true }));

const open = async (series = SERIES): Promise<Quarantine> =>
  openQuarantine(createSealedFile(file, (await loadStateKey(folder, undefined)).seal), series, silentLogger);
const refused = (number: number, reason = "not that one"): Quarantined => ({
  seq: seq(number),
  cause: { tag: "refused", reason },
});

describe("F34: what the broker does not take", () => {
  it("is still set aside after a restart, sealed, with a bounded reason", async () => {
    const before = await open();
    const isolation = createIsolation(before.known, before.save);
    isolation.accuse([[seq(7)]]);
    isolation.convict(`planted 87.3 kg\u0007${"x".repeat(900)}`);
    await until(async () => (await open()).known.length === 1, "it is on the disk");
    const after = await open();
    const again = createIsolation(after.known, after.save);
    expect(again.holds(seq(7))).toBe(true);
    const [one] = again.quarantined;
    expect(one?.cause).toMatchObject({
      tag: "refused",
      reason: expect.stringMatching(/^planted 87\.3 kg x{100,290}$/),
    });
    expect(await readFile(file, "latin1")).not.toMatch(/planted|87\.3/);
  });

  it("is nothing of another series of numbers, and a file that is damaged begins anew", async () => {
    (await open()).save([refused(7)]);
    await until(async () => (await open()).known.length === 1, "it is on the disk");
    expect((await open("another")).known).toEqual([]);
    await rm(join(folder, "state.key"));
    await expect(open()).rejects.toMatchObject({ code: "outbox-key" });
  });

  it("is tried again when the technician asks, one or all, and only then", async () => {
    const seen: (readonly Seq[])[] = [];
    const known = [refused(5), refused(7), refused(9)];
    const isolation = createIsolation(known, (list) => seen.push(list.map((one) => one.seq)));
    expect(isolation.release(seq(7))).toEqual({ count: 1, lowest: 7 });
    expect([5, 7, 9].map((n) => isolation.holds(seq(n)))).toEqual([true, false, true]);
    expect(isolation.release(seq(8))).toEqual({ count: 0, lowest: null });
    expect(isolation.release(null)).toEqual({ count: 2, lowest: 5 });
    expect(seen).toEqual([[5, 9], []]);
  });

  it.each([
    [["7"], 7],
    [["all"], null],
  ])("outbox retry %j", async (words, asked) => {
    const wanted: (Seq | null)[] = [];
    const command = retryCommand({ retryQuarantined: (one) => wanted.push(one) });
    const lines = await Array.fromAsync(command.run(words, AbortSignal.timeout(1000)));
    expect(lines).toContainEqual({ tag: "text", text: "1 reading is sent again" });
    expect(wanted).toEqual([asked]);
  });

  it.each([[[]], [["0"]], [["seven"]], [["7", "8"]]])("outbox retry %j says what it needs", async (words) => {
    const run = Array.fromAsync(retryCommand({ retryQuarantined: () => 1 }).run(words, AbortSignal.timeout(1000)));
    await expect(run).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
