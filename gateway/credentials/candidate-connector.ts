import { type HubError, isHubError } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { RegionConnector, RegionLink } from "../../protocol/ports/region-link.ts";
import type { LinkCredentials } from "../forward/tls-socket.ts";
import type { CredentialSource } from "./credential-source.ts";
import type { IdentityStore } from "./identity-store.ts";
import type { TimeEscape } from "./time-escape.ts";

export interface CandidateConnectorOptions {
  readonly source: CredentialSource;
  readonly identities: IdentityStore;
  /** A connector that uses these credentials. */
  readonly connectorWith: (credentials: () => Promise<LinkCredentials>) => RegionConnector;
  readonly time: TimeEscape;
  readonly logger: Logger;
  /** The broker took the candidate (null), or refused it while it took the present certificate. */
  readonly onJudged: (refusal: HubError | null) => void;
  /** The present certificate is refused because it has expired. */
  readonly onExpired: () => void;
  readonly onOpened: () => void;
}

/** Opens links with the renewed certificate where there is one, and with the present one where the broker refuses it. */
export interface CandidateConnector extends RegionConnector {
  /** End the link, so that the next one is opened with what is there then. */
  renew(): Promise<void>;
}

/**
 * A broker that closes without a word may be restarting: it must do so this often, and take the present certificate each
 * time, before the candidate is held to be refused.
 */
const MOST_CLOSINGS = 3;

/** MQTT 5 reasons that are about who the hub is: client id, name, not authorised, banned, method (MQTT 5.0 3.2.2.2). */
const ABOUT_THE_HUB: ReadonlySet<unknown> = new Set([0x85, 0x86, 0x87, 0x8a, 0x8c]);

/** Whether a failure is about the certificate that was shown. `perhaps`: the broker did not say. */
export const blamesHub = ({ code, context }: HubError): "yes" | "perhaps" | "no" => {
  if (String(context.trouble).startsWith("hub-certificate-")) return "yes";
  if (code === "link-refused") return ABOUT_THE_HUB.has(context.reasonCode) ? "yes" : "no";
  return context.trouble === "closed" ? "perhaps" : "no";
};

const ofTime = (error: HubError): boolean =>
  error.code === "certificate-unreadable" && String(error.context.trouble).startsWith("hub-certificate-");

export const createCandidateConnector = (options: CandidateConnectorOptions): CandidateConnector => {
  const { source, identities, time, logger } = options;
  const present = options.connectorWith(() => source.read());
  const candidate = options.connectorWith(async () => (await source.candidate()) ?? (await source.read()));
  let closings = 0;
  let current: RegionLink | null = null;

  const connectPresent = async (signal: AbortSignal): Promise<RegionLink> => {
    try {
      return await present.connect(signal);
    } catch (thrown) {
      if (signal.aborted || !isHubError(thrown)) throw thrown;
      // By the clock it has ended. The clock may be wrong, and the region knows.
      if (ofTime(thrown) && (await time.prove(signal)) === "proven" && !signal.aborted) {
        return await present.connect(signal);
      }
      throw thrown;
    }
  };

  const settled = async (step: () => Promise<void>): Promise<boolean> => {
    try {
      await step();
      return true;
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      // What is on the disk is whole, as it was before or after the step; the next connection tries again.
      logger.error("hub identity not settled", { code: thrown.code, reason: thrown.message });
      return false;
    }
  };

  const connectCandidate = async (signal: AbortSignal): Promise<RegionLink> => {
    let refusal: HubError;
    try {
      const link = await candidate.connect(signal);
      logger.info("renewed certificate accepted by the broker");
      if (await settled(identities.promote)) options.onJudged(null);
      // What `state` tells of the certificate's end is now another.
      await source.view();
      return link;
    } catch (thrown) {
      if (signal.aborted || !isHubError(thrown) || blamesHub(thrown) === "no") throw thrown;
      refusal = thrown;
    }
    const link = await connectPresent(signal);
    closings += 1;
    if (blamesHub(refusal) === "yes" || closings >= MOST_CLOSINGS) {
      closings = 0;
      if (await settled(identities.dropCandidate)) options.onJudged(refusal);
    }
    return link;
  };

  return {
    connect: async (signal) => {
      try {
        const tryCandidate = (await identities.candidate()) !== null;
        const link = await (tryCandidate ? connectCandidate(signal) : connectPresent(signal));
        current = link;
        options.onOpened();
        return link;
      } catch (thrown) {
        if (isHubError(thrown) && thrown.context.trouble === "hub-certificate-expired") options.onExpired();
        throw thrown;
      }
    },
    renew: async () => {
      await current?.[Symbol.asyncDispose]();
    },
  };
};
