import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { decodeKinds } from "../../drivers/decode/kinds.ts";
import { hemhub } from "./support/test-hub.ts";

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly hex: string;
  readonly expected: Readonly<Record<string, unknown>>;
}

const vectors = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../vectors/vectors.json"), "utf8"),
) as readonly Vector[];

/** mulberry32: the same lines for the same seed. */
const randomOf = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const ndjson = async (lines: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
  const { exit, out, err } = await hemhub(["decode", "--ndjson"], lines.map((line) => `${line}\n`).join(""));
  expect(err).toBe("");
  expect(exit).toBe(0);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe("hemhub decode --ndjson", () => {
  it("answers every published vector in order, in the names of the vectors", async () => {
    const answers = await ndjson(vectors.map(({ kind, hex }) => JSON.stringify({ kind, hex })));
    expect(answers).toHaveLength(vectors.length);
    for (const [i, { kind, expected }] of vectors.entries()) {
      if (!decodeKinds.includes(kind)) expect(answers[i]).toMatchObject({ outcome: "error", reason: "unsupported" });
      else
        expect(Object.keys(answers[i] ?? {}), `${vectors[i]?.id}`).toEqual(
          expect.arrayContaining(Object.keys(expected)),
        );
    }
  });

  it("gives one JSON answer for each of thousands of random lines and never crashes", async () => {
    const seed = Number(process.env.HEMHUB_SEED ?? 20_261_122);
    const random = randomOf(seed);
    const hexOf = (length: number): string =>
      Array.from({ length }, () => random(256).toString(16).padStart(2, "0")).join("");
    const garbage = (length: number): string =>
      Array.from({ length }, () => String.fromCharCode(random(0x2000)))
        .join("")
        .replaceAll(/[\n\r\u2028\u2029]/g, " ");
    const mutated = (vector: Vector): string => {
      const bytes = Buffer.from(vector.hex, "hex");
      for (let i = 0; i < 1 + random(3) && bytes.length > 0; i++) bytes[random(bytes.length)] = random(256);
      return bytes.subarray(0, random(4) === 0 ? random(bytes.length + 1) : bytes.length).toString("hex");
    };
    const lines = Array.from({ length: 8000 }, (): string => {
      const vector = vectors[random(vectors.length)];
      const kind = decodeKinds[random(decodeKinds.length)] ?? "";
      switch (random(8)) {
        case 0:
          return garbage(random(60));
        case 1:
          return JSON.stringify({ kind, hex: garbage(random(20)) });
        case 2:
          return JSON.stringify({ kind: garbage(5), hex: hexOf(random(10)) });
        case 3:
          return JSON.stringify({ kind, hex: hexOf(random(300)) }).slice(0, 10 + random(600));
        case 4:
          return JSON.stringify([null, 1, {}, [], { kind }, { hex: "00" }, { kind: 1, hex: [] }][random(7)]);
        case 5:
          return JSON.stringify({ kind, hex: hexOf(random(40)) });
        default:
          return JSON.stringify({ kind: vector?.kind, hex: vector === undefined ? "" : mutated(vector) });
      }
    });
    const answers = await ndjson(lines);
    expect(answers.length, `seed ${seed}`).toBe(lines.length);
    for (const [i, answer] of answers.entries()) {
      const told = typeof answer === "object" && answer !== null && !Array.isArray(answer);
      expect(told, `seed ${seed}, line ${i}: ${lines[i]?.slice(0, 200)}`).toBe(true);
      if (answer.outcome === "error") expect(typeof answer.reason, `seed ${seed}, line ${i}`).toBe("string");
    }
  });

  it("answers a line that never ends with one error and goes on", async () => {
    const answers = await ndjson(["x".repeat(3_000_000), '{"kind":"ble.2a19","hex":"64"}']);
    expect(answers).toEqual([
      { outcome: "error", reason: "overlong", detail: expect.any(String) },
      expect.objectContaining({ batteryPercent: 100 }),
    ]);
  });

  it("answers the last line also without a line end, and nothing for nothing", async () => {
    expect((await hemhub(["decode", "--ndjson"], '{"kind":"ble.2a19","hex":"64"}')).out).toMatch(/^\{.*100.*\}\n$/);
    expect(await hemhub(["decode", "--ndjson"], "")).toMatchObject({ exit: 0, out: "" });
  });
});

describe("hemhub decode KIND HEX", () => {
  it("answers a person in columns and a program in JSON, with exit 0 also for bad bytes", async () => {
    const words = await hemhub(["decode", "ble.2a19", "64"]);
    expect(words).toMatchObject({ exit: 0, out: expect.stringMatching(/^batteryPercent +100$/m), err: "" });
    const json = await hemhub(["decode", "ble.2a19", "64", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ batteryPercent: 100 });
    const bad = await hemhub(["decode", "ble.2a35", "16", "7c", "--json"]);
    expect(bad.exit).toBe(0);
    expect(JSON.parse(bad.out)).toMatchObject({ outcome: "error", reason: "truncated" });
  });

  it("answers a wrong question with exit 2, one sentence and the way out", async () => {
    expect(await hemhub(["decode", "ble.2a1", "64"])).toMatchObject({
      exit: 2,
      out: "",
      err: expect.stringMatching(
        /^hemhub: decode: unknown kind "ble\.2a1" \(did you mean ble\.2a1\w\?\); hemhub decode --list/,
      ),
    });
    const odd = await hemhub(["decode", "ble.2a19", "6", "--json"]);
    expect(odd.exit).toBe(2);
    expect(JSON.parse(odd.out)).toMatchObject({ outcome: "error", reason: "format" });
    expect((await hemhub(["decode"])).exit).toBe(2);
  });

  it("names every kind", async () => {
    const { out } = await hemhub(["decode", "--list", "--json"]);
    expect(JSON.parse(out)).toEqual([...decodeKinds].sort());
  });

  it("loads no native part: no database, no radio, no serial port", async () => {
    const tellAtExit = `import{readFileSync}from"node:fs";process.on("exit",()=>process.stderr.write(readFileSync("/proc/self/maps")))`;
    const run = promisify(execFile);
    const main = resolve(import.meta.dirname, "../../gateway/main.ts");
    const flags = ["--import", `data:text/javascript,${encodeURIComponent(tellAtExit)}`];
    const { stdout, stderr } = await run(process.execPath, [...flags, main, "decode", "ble.2a19", "64"], {
      maxBuffer: 16 * 1024 * 1024,
    });
    expect(stdout).toMatch(/100/);
    expect(stderr).toMatch(/libc/);
    expect(stderr.split("\n").filter((line) => line.endsWith(".node"))).toEqual([]);
  });
});
