import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../gateway/cli/program.ts";
import { createKeptOutput } from "./support/kept-output.ts";

const CAPTURE = `schema: capture/1
about: One weighing <&>
source: A&D EK-L series manual, section 9-2
model: and-ek-l
zone: Europe/Stockholm
hub: { clock: "2026-06-15T12:00:00.000Z" }
session:
  - { at: 300, text: "ST,+00070.20 kg\\r\\n" }
expect:
  readings:
    - kind: body-weight
      values: [{ quantity: body-weight, value: 70.2, decimals: 2, unit: kg }]
`;

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-kit-"));
  await writeFile(join(folder, "good.yaml"), CAPTURE);
});

afterAll(() => rm(folder, { recursive: true }));

const run = async (...argv: readonly string[]) => {
  const output = createKeptOutput();
  const exit = await runCli(["driver", "test", ...argv], output);
  return { exit, out: output.out(), err: output.err() };
};

/** A file of its own in the folder, gone after the test. */
const withFile = async <T>(name: string, text: string, then: (path: string) => Promise<T>): Promise<T> => {
  const path = join(folder, name);
  await writeFile(path, text);
  try {
    return await then(path);
  } finally {
    await rm(path);
  }
};

describe("hemhub driver test", () => {
  it("says of a capture that it passed, with its readings, and ends with 0", async () => {
    const { exit, out, err } = await run(join(folder, "good.yaml"));
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toMatch(
      /^pass {2}.*good\.yaml: 1 reading, \d+ disturbances\n {6}body-weight: MDC_MASS_BODY_ACTUAL 70.20 kg\n/,
    );
    expect(out).toMatch(/\n1 passed, 0 failed\n$/);
  });

  it("names the line of what differs, and ends with 1", async () => {
    await withFile("other.yaml", CAPTURE.replace("value: 70.2", "value: 71"), async (path) => {
      const { exit, out, err } = await run(path);
      expect(exit).toBe(1);
      expect(out).toContain(
        `${path}:11 readings[0].values: expected MDC_MASS_BODY_ACTUAL 71.00 kg, found MDC_MASS_BODY_ACTUAL 70.20 kg`,
      );
      expect(err).toMatch(/compare both with the sensor's document/);
    });
  });

  it("ends with 2 for what is no capture, and tries none", async () => {
    await withFile("wrong.yaml", CAPTURE.replace("at: 300", "at: x"), async (path) => {
      const { exit, out, err } = await run(folder);
      expect([exit, out]).toEqual([2, ""]);
      expect(err).toContain(`${path}:8:11 session[0].at: expected whole milliseconds`);
    });
    const absent = await run(join(folder, "none.yaml"));
    expect([absent.exit, absent.err]).toEqual([
      2,
      expect.stringMatching(/cannot be read \(no such file\); give a capture/),
    ]);
  });

  it("answers as JSON, one object a capture", async () => {
    const { out } = await run(folder, "--json", "--no-disturb");
    expect(JSON.parse(out)).toEqual({
      file: join(folder, "good.yaml"),
      ok: true,
      readings: 1,
      differences: [],
      robustness: [],
    });
  });

  it("writes a page of its own with versions, readings, disturbances and coverage", async () => {
    const page = join(folder, "page.html");
    expect((await run(folder, "--report", page)).exit).toBe(0);
    const html = await readFile(page, "utf8");
    expect(html).toMatch(/^<!doctype html>/);
    for (const part of [
      "and-ek-l: A&amp;D EK-L series",
      "Driver and-scale@",
      "Hemhub ",
      "One weighing &lt;&amp;&gt;",
      "body-weight: MDC_MASS_BODY_ACTUAL 70.20 kg",
      "each bit flipped",
      "Every quantity is shown by a capture.",
      "1 of 1 capture passed",
    ]) {
      expect(html).toContain(part);
    }
    expect(html).not.toMatch(/<(script|link|img)|https?:\/\//);
    await rm(page);
  });

  it("writes the page as Markdown, too, and refuses other kinds before it tries anything", async () => {
    const page = join(folder, "page.md");
    await run(folder, "--report", page, "--no-disturb");
    expect(await readFile(page, "utf8")).toMatch(/^# Driver conformance\n/);
    await rm(page);
    const refused = await run(folder, "--report", join(folder, "page.pdf"));
    expect([refused.exit, refused.out]).toEqual([2, ""]);
  });
});
