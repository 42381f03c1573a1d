// `npm run -s hemhub -- ARGS`: the hub's own command in a checkout.
import path from "node:path";
import { orExplain, ROOT, runPinned, setUp } from "./setup.mjs";

process.exitCode = await orExplain(async () => {
  await setUp();
  return runPinned([path.join(ROOT, "gateway", "main.ts"), ...process.argv.slice(2)]);
});
