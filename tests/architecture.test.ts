import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..");
const FOLDERS = ["protocol", "drivers", "ota", "gateway", "hardware-sim", "region"];

const sources = FOLDERS.filter((folder) => existsSync(path.join(ROOT, folder)))
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .map((file) => path.join(folder, file))
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.endsWith(".d.ts")),
  )
  .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), "utf8") }));

/** Files that load a package, statically, dynamically or through require; types alone do not count. */
const loadersOf = (name: string): string[] =>
  sources
    .filter(({ text }) =>
      text
        .split(";")
        .some(
          (code) =>
            !/import type/.test(code) &&
            new RegExp(`(from|import|require)\\s*\\(?\\s*["']${name}(/[^"']*)?["']`).test(code),
        ),
    )
    .map(({ file }) => file);

/** The architecture's arrows (docs/architecture.md). Lint shows them at the line; this follows the paths. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  drivers: ["protocol"],
  ota: ["protocol"],
  gateway: ["protocol", "drivers", "ota"],
  "hardware-sim": ["protocol"],
  region: ["protocol"],
};

it("imports along the arrows only", () => {
  const wrong = sources.flatMap(({ file, text }) => {
    const own = file.split(path.sep)[0] ?? "";
    return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
      .map((match) => path.relative(ROOT, path.resolve(ROOT, path.dirname(file), match[1] ?? "")))
      .filter((target) => {
        const folder = target.split(path.sep)[0] ?? "";
        return target !== "package.json" && folder !== own && MAY_IMPORT[own]?.includes(folder) !== true;
      })
      .map((target) => `${file} -> ${target}`);
  });
  expect(wrong).toEqual([]);
});

it.each(["noble", "sqlite3"])("loads %s in exactly one file, so that it stays a one-file exchange", (name) => {
  expect(loadersOf(name)).toHaveLength(1);
});

it("keeps every file below 400 lines, or says at its top why not", () => {
  const long = sources.filter(
    ({ text }) => text.split("\n").length > 400 && !/^\/[/*].*long/is.test(text.slice(0, 400)),
  );
  expect(long.map(({ file }) => file)).toEqual([]);
});

it("knows no test in production code", () => {
  const traces = /\b(vitest|NODE_ENV|process\.env\.(TEST|CI|VITEST)|isTest|isSimulated)\b/i;
  const production = sources.filter(({ file }) => !file.startsWith("hardware-sim"));
  expect(production.filter(({ text }) => traces.test(text)).map(({ file }) => file)).toEqual([]);
});

it("names no path of a machine and no registry host", () => {
  const traces = /\/(root|home\/[a-z]+|work)\/|registry\.npmjs/;
  expect(sources.filter(({ text }) => traces.test(text)).map(({ file }) => file)).toEqual([]);
});

it("uses long timers nowhere but in the clock", () => {
  const timers = sources.filter(({ text }) => /\bset(Timeout|Interval)\s*\(/.test(text)).map(({ file }) => file);
  const allowed = /(system-clock|real-clock)\.ts$/;
  expect(timers.filter((file) => !allowed.test(file))).toEqual([]);
});
