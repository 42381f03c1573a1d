// `npm start`: set up, bundle the hub as a release has it, then run a simulated home around it (npm start -- --help).
import { execFileSync } from "node:child_process";
import path from "node:path";
import { orExplain, PINNED, pinnedEnv, ROOT, runPinned, setUp } from "./setup.mjs";

process.exitCode = await orExplain(async () => {
  await setUp();
  execFileSync(PINNED, [path.join(ROOT, "scripts", "bundle.mjs")], {
    env: pinnedEnv(),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const hub = ["--hub", path.join(ROOT, "dist", "hemhub")];
  return runPinned([path.join(ROOT, "hardware-sim", "main.ts"), ...hub, ...process.argv.slice(2)]);
});
