import { sendingSuite, storingSuite } from "./cut-suites.ts";
import { killSuite } from "./kill-suite.ts";
import { linkSuite } from "./link-suite.ts";
import type { FaultSuite } from "./suite.ts";
import { filesSuite, hubSuite, migrationSuite } from "./whole-suites.ts";

/** Everything that the report tries, in the order of its table. */
export const FAULT_SUITES: readonly FaultSuite[] = [
  storingSuite,
  hubSuite,
  filesSuite,
  sendingSuite,
  killSuite,
  migrationSuite,
  linkSuite,
];
