import type { Millis } from "../../protocol/time.ts";
import type { Tell } from "./home-event.ts";
import type { HubLine } from "./hub-log.ts";
import type { HubEvent } from "./hub-process.ts";

/** A receipt that the hub has applied, with the moment of its log line. */
export interface Applied {
  readonly through: number;
  readonly at: Millis;
}

/** What the hub's log has told so far. A hub that is killed takes its last lines with it: then the region knows more. */
export interface HubStory {
  readonly storedSeqs: ReadonlySet<number>;
  readonly sentSeqs: ReadonlySet<number>;
  readonly applied: readonly Applied[];
  hear(event: HubEvent): void;
}

export const createHubStory = (tell: Tell): HubStory => {
  const storedSeqs = new Set<number>();
  const sentSeqs = new Set<number>();
  const applied: Applied[] = [];

  const hearLine = (line: HubLine, at: Millis): void => {
    switch (line.tag) {
      case "stored":
        storedSeqs.add(line.seq);
        tell({ event: "stored", sensor: line.sensor, seq: line.seq, kind: line.kind });
        return;
      case "sent":
        for (let seq = line.firstSeq; seq <= line.lastSeq; seq++) if (storedSeqs.has(seq)) sentSeqs.add(seq);
        tell({ event: "sent", firstSeq: line.firstSeq, lastSeq: line.lastSeq, count: line.count });
        return;
      case "applied":
        applied.push({ through: line.through, at });
        tell({ event: "applied", through: line.through, settled: line.settled });
        return;
      case "link-up":
        tell({ event: "link", state: "up", detail: line.protocol });
        return;
      case "link-down":
        tell({ event: "link", state: "down", detail: line.code });
        return;
      case "complaint":
        tell({ event: "complaint", from: "hub", text: line.text });
        return;
      case "ready":
      case "other":
        return;
    }
  };

  return {
    storedSeqs,
    sentSeqs,
    applied,
    hear: (event) => {
      if (event.tag === "line") hearLine(event.line, event.at);
      else if (event.tag === "exited") tell({ event: "hub", state: "ended", code: event.code, signal: event.signal });
      else tell({ event: "hub", state: event.tag, pid: event.pid });
    },
  };
};
