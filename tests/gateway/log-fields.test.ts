import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { LOG_FIELD_NAMES } from "../../gateway/log/fields.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

const sources = ["drivers", "gateway"].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((file) => path.join(folder, file))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), "utf8") })),
);

/** Fields of `logger.info("message", { ... })` and of `logger.with({ ... })` where they stand there in plain sight. */
const CALLS = [
  /[lL]ogger\??\.(?:debug|info|warn|error)\(\s*(?:"[^"]*"|\w+),\s*\{(?<fields>.*?)\}\s*,?\s*\)/gs,
  /[lL]ogger\.with\(\{(?<fields>.*?)\}\)/gs,
];

const namesIn = (fields: string): readonly string[] =>
  fields
    .split(/,(?![^({[]*[)}\]])/)
    .map((part) => /^\s*(\w+)/.exec(part)?.[1])
    .filter((name) => name !== undefined);

const used = sources.flatMap(({ file, text }) =>
  CALLS.flatMap((call) => [...text.matchAll(call)])
    .flatMap((match) => namesIn(match.groups?.fields ?? ""))
    .map((name) => ({ file, name })),
);

it("finds the log calls that it is about", () => {
  expect(used.length).toBeGreaterThan(50);
});

it("has a designed log field for everything that is logged, so that nothing is left out of a line", () => {
  expect(used.filter(({ name }) => !LOG_FIELD_NAMES.has(name))).toEqual([]);
});

it("has no log field that could hold a value or a person", () => {
  const telling =
    /value|systolic|diastolic|weight|spo2|pulse|glucose|temperature|answer|raw|hex|payload|patient|name|serial/i;
  expect([...LOG_FIELD_NAMES].filter((name) => telling.test(name))).toEqual([]);
});
