import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createReadingValidator } from "../../protocol/validate.ts";
import { record } from "../../tests/power-cut/record.ts";
import { afterLinkFault, afterOutboxFault } from "./after-fault.ts";
import { runCuts } from "./cut-run.ts";
import { outsideOf } from "./outside.ts";
import type { FaultSuite } from "./suite.ts";

const OUTBOX_WORKLOAD = fileURLToPath(new URL("../../tests/power-cut/outbox-workload.ts", import.meta.url));
const LINK_WORKLOAD = fileURLToPath(new URL("link-workload.ts", import.meta.url));

/** The folder of the outbox below the recorded one. */
const OUTBOX = "outbox";

/** Starts of the recorded hub. One is some 300 operations, and some 450 distinct disks. */
const OUTBOX_STARTS = { quick: 2, full: 6 };
const LINK_STARTS = { quick: 2, full: 4 };

export const storingSuite: FaultSuite = {
  fault: "F01",
  name: "power cut while storing",
  about:
    "The outbox stores readings singly, in groups and at once, keeps unreadable captures, is settled, refused, closed and " +
    "opened again. The power is cut after an operation on the disk; the outbox starts on what is left, the sensors send " +
    "again, and everything goes to a region.",
  injects: "cut",
  quick: { atLeast: 40, share: 3 },
  full: { atLeast: 2000 },
  run: async (request, signal) => {
    const starts = String(OUTBOX_STARTS[request.mode]);
    const recording = await record(OUTBOX_WORKLOAD, (root, acks) => [join(root, OUTBOX), acks, starts]);
    const validate = createReadingValidator();
    return runCuts(
      recording,
      ({ acknowledged }, place) => afterOutboxFault(join(place, OUTBOX), acknowledged, validate),
      request,
      signal,
    );
  },
};

export const sendingSuite: FaultSuite = {
  fault: "F02",
  name: "power cut between publish, PUBACK, receipt and delete",
  about:
    "The outbox and the forwarder work against a region over a link that loses acknowledgements, messages, receipts and " +
    "the connection itself. The power is cut after an operation on the disk; the region keeps what it had by then. The " +
    "hub starts again, the sensors send again what they have, and the effects at the region are counted.",
  injects: "cut",
  quick: { atLeast: 40, share: 3 },
  full: { atLeast: 1000 },
  run: async (request, signal) => {
    const { mode, seed } = request;
    const argumentsOf = (root: string, acks: string): readonly string[] => [
      join(root, OUTBOX),
      acks,
      String(LINK_STARTS[mode]),
      String(seed),
    ];
    const validate = createReadingValidator();
    return runCuts(
      await record(LINK_WORKLOAD, argumentsOf),
      ({ acknowledged }, place) => afterLinkFault(join(place, OUTBOX), outsideOf(acknowledged), validate),
      request,
      signal,
    );
  },
};
