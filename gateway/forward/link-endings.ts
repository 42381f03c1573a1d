import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { closedUnanswered } from "./explain-link-error.ts";
import type { GuardFinding } from "./inbound-guard.ts";

/** The end of a link: `link-lost`, with a word for programs in `context.trouble`. */
export const lost = (found: string, trouble: string, context: Record<string, number> = {}): HubError =>
  new HubError("link-lost", `link to the region: ${found}; the hub connects again`, {
    context: { trouble, ...context },
  });

/** What ended the connection before there was a link, in the codes of `connect`. */
export const notOpened = (error: unknown): unknown => {
  if (!isHubError(error, "link-lost") && !isHubError(error, "link-unreachable")) return error;
  const context = { during: "connect", ...error.context };
  const message = error.context.trouble === "closed" ? closedUnanswered().message : error.message;
  return new HubError("link-unreachable", message, { cause: error.cause ?? error, context });
};

export const lostByGuard = (finding: GuardFinding): HubError => {
  switch (finding.tag) {
    case "too-large":
      return lost(`the broker announced a packet of ${finding.bytes} bytes`, "hostile-packet");
    case "malformed":
      return lost("the broker sent a malformed packet", "hostile-packet");
    case "not-asked-for":
      return lost("the broker sent a packet that was not asked for", "hostile-packet");
  }
};

/** Whatever ended a link, as its end. */
export const lostBy = (error: unknown): HubError =>
  isHubError(error, "link-lost")
    ? error
    : new HubError("link-lost", messageOf(error), {
        cause: error,
        ...(isHubError(error) ? { context: error.context } : {}),
      });
