/*
 * One bench in a process of its own: `node bench/one-bench.ts NAME [--quick]`. Its figures go to bench/run.ts as JSON on
 * standard output.
 */
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";

const { values, positionals } = parseArgs({ options: { quick: { type: "boolean" } }, allowPositionals: true });
const entry = benches.find(({ name }) => name === positionals[0]);
if (entry === undefined) throw new Error(`no bench is called ${positionals[0]}`);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort(new Error("the bench is stopped")));
process.once("SIGINT", () => stop.abort(new Error("the bench is stopped")));
const { bench } = await entry.load();
const figures = await bench.run({ quick: values.quick === true }, stop.signal);
process.stdout.write(`${JSON.stringify(figures)}\n`);
