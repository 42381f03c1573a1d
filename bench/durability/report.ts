// `npm run report:durability [-- --quick] [--json] [--out FILE] [--seed N]`: power cuts, kills and bad links over the real
// outbox and forwarder; one HTML page and one line of JSON say what became of every reading. See docs/durability.md.
import { reportDurability } from "./report-program.ts";
import { FAULT_SUITES } from "./suites.ts";

process.exitCode = await reportDurability(process.argv.slice(2), FAULT_SUITES);
