/*
 * npm run bench [-- --json] [-- --quick] [-- --only NAME]
 *
 * Every figure is a ratio to a peer or a limit that is measured in the same run (docs/performance.md). Benches run one
 * after another, each in a process of its own, so that none warms or fills what the next one measures.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import type { Figure } from "./figure.ts";
import { renderFigures } from "./render.ts";

interface Outcome {
  readonly bench: string;
  readonly figures: readonly Figure[];
  /** Why there are no figures; null where there are. */
  readonly failure: string | null;
}

const ONE = fileURLToPath(new URL("one-bench.ts", import.meta.url));

/** Somebody wants it to end: the bench that runs is ended, no other is begun, and what there is is printed. */
const ending = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ending.abort(signal));

const runOne = async (name: string, quick: boolean): Promise<Outcome> => {
  const args = [...process.execArgv, ONE, name, ...(quick ? ["--quick"] : [])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const pass = (): void => {
    child.kill("SIGTERM");
  };
  ending.signal.addEventListener("abort", pass, { once: true });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  ending.signal.removeEventListener("abort", pass);
  if (code !== 0) return { bench: name, figures: [], failure: `ended with ${code ?? "a signal"}` };
  return { bench: name, figures: JSON.parse(said) as readonly Figure[], failure: null };
};

const { values: options } = parseArgs({
  options: { json: { type: "boolean" }, quick: { type: "boolean" }, only: { type: "string", multiple: true } },
});
const unknown = options.only?.find((name) => !benches.some((bench) => bench.name === name));
if (unknown !== undefined) {
  const names = benches.map(({ name }) => name).join(", ");
  process.stderr.write(`--only ${unknown}: there is no such bench; there are ${names}\n`);
  process.exit(2);
}

const chosen = benches.filter(({ name }) => options.only === undefined || options.only.includes(name));
const outcomes: Outcome[] = [];
for (const { name } of chosen) {
  if (ending.signal.aborted) {
    outcomes.push({ bench: name, figures: [], failure: "not begun, the run was ended" });
    continue;
  }
  if (options.json !== true) process.stdout.write(`${name} ...\n`);
  const outcome = await runOne(name, options.quick === true);
  outcomes.push(outcome);
  if (options.json !== true) process.stdout.write(renderFigures(outcome.figures, outcome.failure));
}
if (options.json === true) {
  const about = { node: process.version, machine: process.arch, quick: options.quick === true };
  process.stdout.write(`${JSON.stringify({ ...about, outcomes })}\n`);
}
process.exitCode = outcomes.some(({ failure }) => failure !== null) ? 1 : 0;
