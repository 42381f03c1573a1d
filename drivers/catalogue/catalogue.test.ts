import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BEURER_BM85 } from "../gatt/blood-pressure.ts";
import { driverOf } from "../registry.ts";
import { type Catalogue, loadCatalogue, withdrawalsIn } from "./catalogue.ts";
import { statusOf } from "./entry.ts";

describe("the catalogue that is shipped", () => {
  it("holds models of every kind, each read by a driver of its own transport", async () => {
    const catalogue = await loadCatalogue();
    expect(catalogue.entries.map((entry) => entry.id)).toEqual(
      expect.arrayContaining(["and-ek-l", "and-ua-651ble", "and-uc-352ble", "and-ut-201ble-a", "nonin-3012lp"]),
    );
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
    return await loadCatalogue(folder);
  };

  const WITHDRAWN = 'status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled by its maker }\n';

  it("is loaded from any folder", async () => {
    expect((await load(good)).entries).toHaveLength(1);
  });

  it("is certified by the scheme that stands for it, and not certified where none does, unless it says its status", async () => {
    const statusIn = async (text: string): Promise<string | undefined> => {
      const entry = (await load(text)).entry("and-ua-651ble");
      return entry === undefined ? undefined : statusOf(entry);
    };
    expect(await statusIn(good)).toBe("certified");
    expect(await statusIn(good.replace("scheme: Continua", "scheme: null"))).toBe("not-certified");
    expect(await statusIn(`${good}status: not-certified\n`)).toBe("not-certified");
    expect(await statusIn(`${good}${WITHDRAWN}`)).toBe("withdrawn");
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
      /line 12, pairing: expected one of none, just-works, passkey, numeric-comparison, found "handshake"; correct it/,
    ],
    [
      "a key too few",
      (text) => text.replace("udiDi: null\n", ""),
      /line 1, \(file\): expected a udiDi, which is missing; add it/,
    ],
    [
      "a number for a text",
      (text) => text.replace('version: "1"', "version: 1"),
      /line 2, version: expected the entry's own version in quotes such as "1", found 1;/,
    ],
    [
      "a service that is none",
      (text) => text.replace('["1810"]', '["BP"]'),
      /line 8, recognise\.ble\.services\.0: expected a service in quotes, .*, found "BP";/,
    ],
    [
      "a transport that is none",
      (text) => text.replace("transport: ble", "transport: pigeon"),
      /line 11, transport: expected one of ble, serial, found "pigeon";/,
    ],
    [
      "another id than its file",
      (text) => text.replace("id: and-ua", "id: und-ua"),
      /line 1, id: expected and-ua-651ble, as the file, found und-ua-651ble; rename one of them/,
    ],
    [
      "a withdrawal that does not say when",
      (text) => `${text}status: withdrawn\n`,
      /line 25, status: expected withdrawn: with date and reason beside it, found none; say when and why/,
    ],
    [
      "a withdrawal of a model that is certified",
      (text) => `${text}${WITHDRAWN.replace("status: withdrawn", "status: certified")}`,
      /line 26, withdrawn: expected status: withdrawn beside it;/,
    ],
    [
      "a day that is none",
      (text) => `${text}${WITHDRAWN.replace("2026-11-01", "2026-13-01")}`,
      /line 26, withdrawn\.date: expected the date in quotes such as "2026-11-22", found "2026-13-01"/,
    ],
    [
      "a certificate of nobody",
      (text) => `${text.replace("scheme: Continua", "scheme: null")}status: certified\n`,
      /line 25, status: expected certification\.scheme to say by whom, found null;/,
    ],
    ["broken YAML", (text) => text.replace("quirks: []", "quirks: ["), /line 1\d, \(file\): expected YAML, found: /],
    ["nothing in it", () => "", /line 1, \(file\): expected a catalogue entry, found nothing/],
  ])("with %s is refused with file, line, what was expected and the next step", async (_name, spoil, message) => {
    const thrown = await load(spoil(good)).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(thrown).toMatchObject({ code: "invalid-config" });
    expect(String(thrown)).toMatch(/catalogue and-ua-651ble\.yaml, /);
    expect(String(thrown)).toMatch(message);
  });

  it("asks for another folder when there is none, or nothing in it, or something in it cannot be read", async () => {
    await expect(loadCatalogue(join(folder, "none"))).rejects.toThrow(/catalogue folder .* cannot be read/);
    await expect(loadCatalogue(folder)).rejects.toThrow(/has no entry \(\*\.yaml\); give the folder/);
    await writeFile(join(folder, "huge.yaml"), "#".repeat(70_000));
    await expect(loadCatalogue(folder)).rejects.toThrow(/cannot be read \(huge\.yaml: 70000 bytes, at most 65536\)/);
    await rm(join(folder, "huge.yaml"));
    await mkdir(join(folder, "folder.yaml"));
    await expect(loadCatalogue(folder)).rejects.toThrow(/catalogue folder .* cannot be read/);
  });

  it("stays withdrawn where another entry of its folder is damaged", async () => {
    await writeFile(join(folder, "broken.yaml"), "id: [");
    await expect(load(`${good}${WITHDRAWN}`)).rejects.toMatchObject({ code: "invalid-config" });
    expect((await withdrawalsIn(folder)).map(({ id }) => id)).toEqual(["and-ua-651ble"]);
    expect(await withdrawalsIn(join(folder, "none"))).toEqual([]);
  });
});
