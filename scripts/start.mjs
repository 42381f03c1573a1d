// `npm start`: set up, then run a simulated home around the real hub (hardware-sim/main.ts --help).
import path from "node:path";
import { orExplain, ROOT, runPinned, setUp } from "./setup.mjs";

process.exitCode = await orExplain(async () => {
  await setUp();
  return runPinned([path.join(ROOT, "hardware-sim", "main.ts"), ...process.argv.slice(2)]);
});
