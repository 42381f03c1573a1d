// `node scripts/run.mjs FILE ARGS`: a program of the checkout, with the pinned runtime and its packages.
import path from "node:path";
import { orExplain, ROOT, runPinned, setUp } from "./setup.mjs";

const [file = "", ...args] = process.argv.slice(2);

process.exitCode = await orExplain(async () => {
  await setUp();
  return runPinned([path.join(ROOT, file), ...args]);
});
