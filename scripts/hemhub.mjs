// `npm run -s hemhub -- ...`: the hub's program, and for `release ...` the region's, which builds, signs and publishes.
import path from "node:path";
import { orExplain, ROOT, runPinned, setUp } from "./setup.mjs";

const args = process.argv.slice(2);
const isBuild = args[0] === "release" && args[1] === "build";
const program = isBuild
  ? ["scripts/release-build.mjs"]
  : args[0] === "release"
    ? ["region/main.ts"]
    : ["gateway/main.ts"];
const rest = isBuild ? args.slice(2) : args[0] === "release" ? args.slice(1) : args;

process.exitCode = await orExplain(async () => {
  await setUp();
  return runPinned([path.join(ROOT, ...program), ...rest]);
});
