import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { driverOf } from "../../drivers/registry.ts";
import { tryCapture } from "../../gateway/driver-kit/conformance.ts";
import { differenceLine } from "../../gateway/driver-kit/difference.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { captureOf, problemsOf } from "./support/try-toy.ts";

/** The captures in a page of the documentation. */
const capturesIn = async (page: string): Promise<readonly string[]> => {
  const text = await readFile(join(import.meta.dirname, "..", "..", "docs", page), "utf8");
  return [...text.matchAll(/```yaml\n(schema: capture\/1\n[\s\S]*?)```/g)].map(([, capture = ""]) => capture);
};

describe("the captures of the documentation", () => {
  it("are captures", async () => {
    const captures = [...(await capturesIn("drivers.md")), ...(await capturesIn("driver-captures.md"))];
    expect(captures).toHaveLength(2);
    expect(captures.flatMap(problemsOf)).toEqual([]);
  });

  it("give the readings that the page says", async () => {
    const [text = ""] = await capturesIn("driver-captures.md");
    const capture = captureOf(text);
    const parts = { catalogue: await loadCatalogue(), driverOf, validate: createReadingValidator() };
    const { differences } = await tryCapture(capture, parts, 0);
    expect(differences.map((one) => differenceLine(capture, one))).toEqual([]);
  });
});
