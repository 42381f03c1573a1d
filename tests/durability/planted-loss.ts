import { carelessStore } from "../../bench/durability/control.ts";
import { reportDurability } from "../../bench/durability/report-program.ts";

/** The report over a store that loses what it acknowledged. */
const planted = { ...carelessStore, fault: "F01", name: "a store that acknowledges too early" };

process.exitCode = await reportDurability(process.argv.slice(2), [planted], 1);
