import { isHubError } from "../../protocol/errors.ts";
import type { DesiredPart } from "../commands/desk.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { Anchors } from "./anchors.ts";

/**
 * The part `anchors` of the desired state: a bundle of authorities that the region signed (docs/region.md). It proves
 * itself, and comes again with every connection until the region takes it out.
 */
export const anchorsPart =
  (anchors: Anchors, report: ReportEvent): DesiredPart =>
  async (content, signal) => {
    if (content === undefined) return null;
    if (typeof content !== "string") return "not a signed text";
    try {
      const outcome = await anchors.install(content, signal);
      if (outcome.tag === "installed") {
        const sentence = "the region's authorities are changed as it signed";
        report("certificate-fault", sentence, { state: "recovered", count: outcome.anchors });
      }
      return outcome.tag === "refused" ? outcome.sentence : null;
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      return thrown.message;
    }
  };
