import { appendFile, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SHIPPED_CATALOGUE } from "../../drivers/catalogue/catalogue.ts";
import { statusOf } from "../../drivers/catalogue/entry.ts";
import { loadCertifiedCatalogue } from "./certified-catalogue.ts";

describe("the certified catalogue", () => {
  let folder = "";
  const cuff = join(SHIPPED_CATALOGUE, "and-ua-651ble.yaml");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "hemhub-region-catalogue-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("is the one of this version where no other is named", async () => {
    const { catalogue, trouble } = await loadCertifiedCatalogue();
    expect([catalogue.entry("and-ek-l")?.id, trouble]).toEqual(["and-ek-l", null]);
  });

  it("is the folder that is named, and nothing else", async () => {
    await cp(cuff, join(folder, "and-ua-651ble.yaml"));
    const { catalogue, trouble } = await loadCertifiedCatalogue(folder);
    expect([catalogue.entries.map(({ id }) => id), trouble]).toEqual([["and-ua-651ble"], null]);
  });

  it("is the one of this version where the other is damaged, says so, and keeps to its withdrawals", async () => {
    await cp(cuff, join(folder, "and-ua-651ble.yaml"));
    await writeFile(join(folder, "broken.yaml"), "id: [\n");
    const usual = await loadCertifiedCatalogue(folder);
    expect(usual.catalogue.entry("and-ek-l")?.id).toBe("and-ek-l");
    expect(usual.trouble).toMatch(
      /^the catalogue of this version stands in, because catalogue broken\.yaml, line \d, \(file\): .*\(hemhub catalogue check .* names every problem\)$/,
    );

    const gone = 'status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled by its maker }\n';
    await appendFile(join(folder, "and-ua-651ble.yaml"), gone);
    const { catalogue } = await loadCertifiedCatalogue(folder);
    const withdrawn = catalogue.entry("and-ua-651ble");
    expect(withdrawn === undefined ? null : statusOf(withdrawn)).toBe("withdrawn");
    expect(catalogue.entries.filter(({ id }) => id === "and-ua-651ble")).toHaveLength(1);
  });

  it("is the one of this version where the folder is gone or empty", async () => {
    for (const missing of [folder, join(folder, "none")]) {
      const { catalogue, trouble } = await loadCertifiedCatalogue(missing);
      expect(catalogue.entry("and-ek-l")?.id).toBe("and-ek-l");
      expect(trouble).toContain(missing);
    }
  });
});
