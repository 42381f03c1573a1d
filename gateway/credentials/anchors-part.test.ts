import { expect, it } from "vitest";
import { HubError } from "../../protocol/errors.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { Anchors, AnchorsOutcome } from "./anchors.ts";
import { anchorsPart } from "./anchors-part.ts";

const { signal } = new AbortController();

const partWith = (install: () => Promise<AnchorsOutcome>) => {
  const reported: Parameters<ReportEvent>[] = [];
  const anchors: Anchors = { current: async () => [], settle: async () => undefined, install };
  const part = anchorsPart(anchors, (...event) => reported.push(event));
  return { part, reported };
};

it("installs the region's authorities, and tells the region once they are", async () => {
  const { part, reported } = partWith(async () => ({ tag: "installed", anchors: 2 }));
  expect(await part("a.signed.text", signal)).toBeNull();
  expect(reported).toMatchObject([["certificate-fault", expect.stringContaining("changed"), { state: "recovered" }]]);
});

it("has nothing to tell of a bundle that it knows, or that waits until the broker is reached with it", async () => {
  for (const outcome of [{ tag: "known" }, { tag: "waiting", sentence: "it waits" }] as const) {
    const { part, reported } = partWith(async () => outcome);
    expect([await part("a.signed.text", signal), reported]).toEqual([null, []]);
  }
});

it("says why a bundle is not taken, and takes nothing that is no text", async () => {
  const refused = partWith(async () => ({ tag: "refused", reason: "signature", sentence: "nobody signed it" }));
  expect(await refused.part("a.forged.text", signal)).toBe("nobody signed it");
  expect(await refused.part({ anchors: [] }, signal)).toBe("not a signed text");
  const failing = partWith(() => Promise.reject(new HubError("outbox-disk-full", "anchors: the disk is full")));
  expect(await failing.part("a.signed.text", signal)).toBe("anchors: the disk is full");
});
