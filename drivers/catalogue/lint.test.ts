import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { driverIds, driverOf } from "../registry.ts";
import { readCatalogueFolder, SHIPPED_CATALOGUE } from "./catalogue.ts";
import { isGtin } from "./gtin.ts";
import { type LintKnowledge, lintCatalogue } from "./lint.ts";
import { problemText } from "./problem.ts";
import { publishableQuantities } from "./quantities.ts";
import { QUIRKS } from "./quirks.ts";

const KNOWN: LintKnowledge = {
  drivers: new Map(driverIds.map((id) => [id, driverOf(id)?.transport ?? "ble"])),
  quantities: publishableQuantities(),
  suggest: (word) => (word.includes("telepathy") ? "" : ` (not ${word})`),
};

const lint = async (folder: string): Promise<readonly string[]> =>
  lintCatalogue(await readCatalogueFolder(folder), KNOWN).map((one) => `${one.level} ${problemText(one)}`);

it("finds nothing wrong in the catalogue that is shipped", async () => {
  expect((await lint(SHIPPED_CATALOGUE)).filter((line) => line.startsWith("error"))).toEqual([]);
});

it("declares each quirk once, with drivers that this version has", () => {
  expect(new Set(QUIRKS.map(({ name }) => name)).size).toBe(QUIRKS.length);
  for (const { name, drivers, means, source } of QUIRKS) {
    expect(
      drivers.filter((id) => !KNOWN.drivers.has(id)),
      name,
    ).toEqual([]);
    expect([drivers.length > 0, means.endsWith("."), source !== ""]).toEqual([true, true, true]);
  }
});

it("knows a GTIN by its check digit", () => {
  // 629104150021 and its check digit 3 are the example of GS1's check digit page.
  expect(isGtin("6291041500213")).toBe(true);
  expect(["6291041500214", "629104150021", "", "62910415002x3"].map(isGtin)).toEqual([false, false, false, false]);
});

describe("the lint", () => {
  let folder = "";
  let cuff = "";
  let oximeter = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "hemhub-lint-"));
    cuff = await readFile(join(SHIPPED_CATALOGUE, "and-ua-651ble.yaml"), "utf8");
    oximeter = await readFile(join(SHIPPED_CATALOGUE, "nonin-3012lp.yaml"), "utf8");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const files = async (texts: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    for (const [file, text] of Object.entries(texts)) await writeFile(join(folder, file), text);
    return await lint(folder);
  };
  const withCuff = (change: (text: string) => string): Promise<readonly string[]> =>
    files({ "and-ua-651ble.yaml": change(cuff) });
  const firmware = (range: string) => (text: string) => text.replace("firmware: null", `firmware: ${range}`);

  it("is content with an entry that is right", async () => {
    expect(await withCuff((text) => text)).toEqual([]);
    expect(await withCuff(firmware('{ from: "BLP010", to: null }'))).toEqual([]);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      "a driver that this version has not",
      (text) => text.replace("gatt-blood-pressure", "gatt-telepathy"),
      /^error and-ua-651ble\.yaml:10 driver: expected a driver of this version, found gatt-telepathy; correct it; there are .*nonin-2/,
    ],
    [
      "a driver of another transport",
      (text) => text.replace("gatt-blood-pressure", "nonin-2"),
      /:10 driver: expected a driver over ble, found nonin-2, which reads over serial;/,
    ],
    [
      "a quantity without a checked code",
      (text) => text.replace("pulse-rate.cuff", "mood"),
      /:22 quantities\.3: expected a quantity with a checked code, found mood \(not mood\);/,
    ],
    [
      "a quirk that is none",
      (text) => text.replace("quirks: []", "quirks: [beurer-bm58]"),
      /:13 quirks\.0: expected a quirk that is declared, found beurer-bm58 .*; correct it, or declare it in quirks\.ts/,
    ],
    [
      "a quirk that its driver does not know",
      (text) => text.replace("quirks: []", "quirks: [beurer-bm85]").replace("gatt-blood-pressure", "gatt-weight-scale"),
      /:13 quirks\.0: driver gatt-weight-scale does not know quirk beurer-bm85; gatt-blood-pressure does;/,
    ],
    ["a range that is none", firmware('{ from: "2.0", to: "1.0" }'), /:17 .*no firmware is 2\.0 to 1\.0; exchange/],
    ["a range of two schemes", firmware('{ from: "A1", to: "B2" }'), /not written alike/],
    ["a range without ends", firmware("{ from: null, to: null }"), /^warning .*expected an end, found none/],
    [
      "a UDI-DI with a wrong digit",
      (text) => text.replace("udiDi: null", 'udiDi: "6291041500214"'),
      /:5 udiDi: 6291041500214 is no GTIN: /,
    ],
    [
      "no sources",
      (text) => text.replace(/sources:\n.*\n/, "sources: []\n"),
      /:23 sources: expected a list of the doc/,
    ],
    ["nothing in it", () => "", /:1 \(file\): expected a catalogue entry, found nothing;/],
  ])("names %s with file, line, what was found and the next step", async (_what, change, line) => {
    expect(await withCuff(change)).toEqual([expect.stringMatching(line)]);
  });

  it("names every problem of every file at once", async () => {
    const lines = await files({
      "and-ua-651ble.yaml": cuff.replace("pairing: just-works", "pairing: maybe").replace('version: "1"', "version: 1"),
      "broken.yaml": "id: [",
    });
    expect(lines.map((line) => line.split(": ")[0])).toEqual([
      "error and-ua-651ble.yaml:2 version",
      "error and-ua-651ble.yaml:12 pairing",
      "error broken.yaml:1 (file)",
    ]);
  });

  it("finds a model, a UDI-DI and a way to be recognised that are there twice", async () => {
    const udi = (text: string): string => text.replace("udiDi: null", 'udiDi: "6291041500213"');
    expect(
      await files({ "a-cuff.yaml": cuff.replace("id: and-ua-651ble", "id: a-cuff"), "and-ua-651ble.yaml": cuff }),
    ).toEqual([expect.stringMatching(/and-ua-651ble\.yaml:4 model: a-cuff\.yaml is the same model; keep one/)]);
    expect(
      await files({
        "a-cuff.yaml": udi(cuff.replace("id: and-ua-651ble", "id: a-cuff").replace("model: UA-651BLE", "model: Other")),
        "and-ua-651ble.yaml": udi(cuff),
      }),
    ).toEqual([
      expect.stringMatching(/:5 udiDi: a-cuff\.yaml has the same UDI-DI;/),
      expect.stringMatching(/^warning .*:6 recognise: unreachable: a-cuff\.yaml is recognised by the same service/),
    ]);
  });

  it("says which models one USB identity cannot tell apart, and nothing about withdrawn ones", async () => {
    const twin = oximeter.replace("id: nonin-3012lp", "id: a-twin").replace("model: Xpod", "model: Twin");
    expect(await files({ "a-twin.yaml": twin, "nonin-3012lp.yaml": oximeter })).toEqual([
      expect.stringMatching(/^warning nonin-3012lp\.yaml:7 recognise\.usb: a-twin\.yaml has the same USB identity/),
    ]);
    const gone = 'status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled }\n';
    expect(await files({ "a-twin.yaml": twin + gone })).toEqual([]);
  });

  it("finds files that no hub would look at", async () => {
    const lines = await files({ "and-ua-651ble.yml": cuff, "other.YAML": cuff, "notes.txt": "" });
    expect(lines).toEqual([
      expect.stringMatching(/^error and-ua-651ble\.yml:1 \(file\): unreachable: only files that end in \.yaml/),
      expect.stringMatching(/^error other\.YAML:1 /),
    ]);
  });
});
