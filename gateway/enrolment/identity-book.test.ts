import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sensorId } from "../../protocol/ids.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { toldNumber, verdictOn } from "./identity.ts";
import { type IdentityBook, openIdentityBook } from "./identity-book.ts";

const CUFF = { id: sensorId("cuff"), bound: "ble:c0:26:da:00:00:01" };
const SCALE = { id: sensorId("scale"), bound: "ble:c0:26:da:00:00:02" };
const NOTHING = { serialNumber: null, found: null };

describe("the identity book", () => {
  let folder = "";
  let damage: string[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "hemhub-identity-"));
    damage = [];
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const open = (known = [CUFF, SCALE], file = join(folder, "enrolment.json")): Promise<IdentityBook> =>
    openIdentityBook(file, known, silentLogger, (sentence) => damage.push(sentence));

  it("knows nothing at first, and after a restart what was written, in a file of the hub's own", async () => {
    const book = await open();
    expect(book.of(CUFF.id)).toEqual(NOTHING);
    const written = [
      book.write(CUFF.id, { serialNumber: "A1", found: null }),
      book.write(SCALE.id, { serialNumber: "B2", found: "C3" }),
    ];
    expect(await Promise.all(written)).toEqual([true, true]);
    const again = await open();
    expect([again.of(CUFF.id), again.of(SCALE.id)]).toEqual([
      { serialNumber: "A1", found: null },
      { serialNumber: "B2", found: "C3" },
    ]);
    expect((await stat(join(folder, "enrolment.json"))).mode & 0o777).toBe(0o600);
    expect(damage).toEqual([]);
  });

  it("begins anew with a sensor that is enrolled at another address", async () => {
    const book = await open();
    await book.write(CUFF.id, { serialNumber: "A1", found: "B2" });
    const moved = await open([{ ...CUFF, bound: "ble:c0:26:da:00:00:09" }, SCALE]);
    expect(moved.of(CUFF.id)).toEqual(NOTHING);
  });

  it("forgets what is not of this home any more, and keeps nothing of a sensor that it does not know", async () => {
    const book = await open();
    await book.write(CUFF.id, { serialNumber: "A1", found: null });
    const less = await open([SCALE]);
    expect(await less.write(CUFF.id, { serialNumber: "A1", found: null })).toBe(false);
    await less.write(SCALE.id, { serialNumber: "B2", found: null });
    expect(await readFile(join(folder, "enrolment.json"), "utf8")).not.toContain("A1");
  });

  it.each(["", "{", '{"schema":"other"}', '{"schema":"enrolment/1","sensors":{"cuff":{"bound":7}}}', "null"])(
    "is begun anew where its file holds %j, and says so",
    async (text) => {
      await writeFile(join(folder, "enrolment.json"), text);
      expect((await open()).of(CUFF.id)).toEqual(NOTHING);
      expect(damage).toEqual([expect.stringMatching(/enrolment\.json cannot be read \(.*\); they are learned anew$/)]);
    },
  );

  it("counts what the disk refuses until the hub ends, and says that it is not durable", async () => {
    const book = await open([CUFF], join(folder, "missing", "enrolment.json"));
    expect(await book.write(CUFF.id, { serialNumber: "A1", found: null })).toBe(false);
    expect(book.of(CUFF.id).serialNumber).toBe("A1");
  });
});

describe("a serial number", () => {
  it.each([
    [null, null],
    ["", null],
    [" \0\0", null],
    ["5150100001\0\0", "5150100001"],
    ["  A1 ", "A1"],
  ])("told as %j is %j", (text, number) => {
    expect(toldNumber(text)).toBe(number);
  });

  it.each<[string | null, string | null, string | null, string | null, string]>([
    ["A1", null, null, null, "first"],
    ["A1", null, "A1", null, "same"],
    ["B2", null, "A1", null, "other"],
    ["A1", "A1", null, null, "same"],
    ["B2", "A1", null, null, "other"],
    ["A1", "A1", "B2", null, "same"],
    [null, "A1", "A1", null, "same"],
    [null, null, "A1", "B2", "other"],
  ])("%j, with %j configured, %j learned and %j found before, is %s", (told, configured, serialNumber, found, is) => {
    expect(verdictOn(told, configured, { serialNumber, found })).toBe(is);
  });
});
