import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import table from "../../protocol/codes.json" with { type: "json" };
import { BEURER_BM85 } from "../gatt/blood-pressure.ts";
import { driverIds, driverOf } from "../registry.ts";
import { type Catalogue, loadCatalogue } from "./catalogue.ts";

const QUANTITIES: ReadonlySet<string> = new Set(table.codes.map((code) => code.quantity));

describe("the catalogue that is shipped", () => {
  it("names only drivers, transports and quantities that this hub has", async () => {
    const catalogue = await loadCatalogue(undefined, { drivers: new Set(driverIds), quantities: QUANTITIES });
    expect(catalogue.entries.map((entry) => entry.id)).toEqual([
      "and-ek-l",
      "and-ua-651ble",
      "and-uc-352ble",
      "and-ut-201ble-a",
      "beurer-bm85",
      "nonin-3012lp",
      "nonin-3150",
      "nonin-9560",
      "tanita-sc-240",
    ]);
    for (const entry of catalogue.entries) {
      expect(driverOf(entry.driver)?.transport, entry.id).toBe(entry.transport);
    }
  });

  it("gives the BM85 its quirk", async () => {
    expect((await loadCatalogue()).entry("beurer-bm85")?.quirks).toEqual([BEURER_BM85]);
  });

  it("knows no model by a name that is not there", async () => {
    expect((await loadCatalogue()).entry("and-ua-999")).toBeUndefined();
  });
});

describe("a catalogue entry", () => {
  let folder = "";
  let good = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "hemhub-catalogue-"));
    good = await readFile(join(import.meta.dirname, "and-ua-651ble.yaml"), "utf8");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const load = async (text: string, file = "and-ua-651ble.yaml"): Promise<Catalogue> => {
    await writeFile(join(folder, file), text);
    return await loadCatalogue(folder, { drivers: new Set(driverIds), quantities: QUANTITIES });
  };

  it("is loaded from any folder", async () => {
    expect((await load(good)).entries).toHaveLength(1);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      "a misspelt key",
      (text) => text.replace("udiDi:", "udi:"),
      /line 5, udi: expected no udi; remove it or correct its spelling/,
    ],
    ["a key too many", (text) => `${text}colour: blue\n`, /line 25, colour: expected no colour; remove it/],
    [
      "a wrong choice",
      (text) => text.replace("pairing: just-works", "pairing: handshake"),
      /line 12, pairing: expected one of none, just-works, passkey, numeric-comparison/,
    ],
    [
      "a key too few",
      (text) => text.replace("udiDi: null\n", ""),
      /line 1, \(file\): expected a udiDi, which is missing/,
    ],
    ["a number for a text", (text) => text.replace('version: "1"', "version: 1"), /line 2, version: expected .*string/],
    [
      "a service that is none",
      (text) => text.replace('["1810"]', '["BP"]'),
      /line 8, recognise\.ble\.services\.0: expected .*pattern/,
    ],
    [
      "a driver that this hub has not",
      (text) => text.replace("gatt-blood-pressure", "gatt-telepathy"),
      /line 10, driver: gatt-telepathy is not known here/,
    ],
    [
      "a quantity without a checked code",
      (text) => text.replace("pulse-rate.cuff", "mood"),
      /line 22, quantities\.3: mood is not known here/,
    ],
    [
      "another id than its file",
      (text) => text.replace("id: and-ua", "id: und-ua"),
      /line 1, id: expected and-ua-651ble/,
    ],
    ["broken YAML", (text) => text.replace("quirks: []", "quirks: ["), /line 1\d, \(file\): expected YAML, found: /],
    ["nothing in it", () => "", /line 1, \(file\): expected/],
  ])("with %s is refused with file, line and what was expected", async (_name, spoil, message) => {
    const thrown = await load(spoil(good)).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(thrown).toMatchObject({ code: "invalid-config" });
    expect(String(thrown)).toMatch(/catalogue and-ua-651ble\.yaml, /);
    expect(String(thrown)).toMatch(message);
  });

  it("asks for another folder when there is none", async () => {
    await expect(loadCatalogue(join(folder, "none"))).rejects.toThrow(/catalogue folder .* cannot be read/);
  });
});
