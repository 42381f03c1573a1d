import { join } from "node:path";
import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { RegionConnector } from "../../protocol/ports/region-link.ts";
import type { EpochMs } from "../../protocol/time.ts";
import { readCommandKeys } from "../commands/command-keys.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { createAddressMemory } from "../forward/address-memory.ts";
import { createBell } from "../forward/bell.ts";
import { withDeadline } from "../forward/deadline.ts";
import { createSocketOpener, type OpenSocket } from "../forward/socket-opener.ts";
import { brokerAddress, type LinkCredentials } from "../forward/tls-socket.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { type Anchors, createAnchors } from "./anchors.ts";
import { type CandidateConnector, createCandidateConnector } from "./candidate-connector.ts";
import { type CertificateView, type CredentialSource, createCredentialSource } from "./credential-source.ts";
import { createReenrol, EST_SUBJECT } from "./est-client.ts";
import { identityFolder } from "./identity.ts";
import { createIdentityStore } from "./identity-store.ts";
import { parseCertificates, readPem } from "./pem.ts";
import type { ProvenTime } from "./proven-time.ts";
import { askRegionTime, LONGEST_ROUND_TRIP } from "./region-time.ts";
import { createRenewal, type Renewal } from "./renewal.ts";
import { renewalText } from "./renewal-text.ts";
import { openSignedFloor } from "./signed-floor.ts";
import { createTimeEscape } from "./time-escape.ts";

export interface CredentialPartsOptions {
  readonly config: HubConfig;
  readonly clock: Clock;
  readonly time: HubTime;
  /** A time that has been (gateway/clock/time-floor.ts). */
  readonly floor: () => EpochMs;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** [0, 1), for jitter. */
  readonly random: () => number;
  /** A connector that uses these credentials and opens its connections so. */
  readonly connectorWith: (credentials: () => Promise<LinkCredentials>, openSocket: OpenSocket) => RegionConnector;
}

/** Everything about who the hub is to the region, and the region to the hub. */
export interface CredentialParts extends Pick<CredentialSource, "notAfter"> {
  readonly connector: CandidateConnector;
  /** What the link is made with now. Rejects with HubError where a file cannot be used. */
  readonly read: () => Promise<LinkCredentials>;
  /** For the signed anchors of the region (`install`). */
  readonly anchors: Anchors;
  readonly renewal: Renewal;
  readonly provenTime: ProvenTime;
  /** Where the renewal stands, for people; null where there is nothing to say. */
  renewalText(): string | null;
  /** For people: the certificate, and where its renewal stands. */
  view(): Promise<CertificateView>;
  /** Renews the certificate in time, lets go of retired anchors, has the time proven, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const timeQuestion = (
  { region }: HubConfig,
  clock: Clock,
  lookup: ReturnType<typeof createAddressMemory>["lookup"],
) => {
  const { time } = region;
  if (time === null) return null;
  const late = (): HubError => new HubError("link-timeout", "region time: no answer in time");
  return async (signal: AbortSignal) => {
    const { keys } = await readCommandKeys(time.keys);
    return await withDeadline(clock, LONGEST_ROUND_TRIP, late, signal, (limit) =>
      askRegionTime({ url: time.url, keys, clock, lookup }, limit),
    );
  };
};

export const openCredentials = async (options: CredentialPartsOptions): Promise<CredentialParts> => {
  const { config, clock, time, logger, report } = options;
  const { hub, region } = config;
  const folder = identityFolder(hub.dataDir);
  const addresses = createAddressMemory(clock);
  const timeEscape = createTimeEscape({
    clock,
    logger,
    noted: options.floor,
    signed: await openSignedFloor(join(folder, "signed-floor.json"), logger),
    ask: timeQuestion(config, clock, addresses.lookup),
    onWrongClock: (byMs) => {
      const side = byMs < 0 ? "behind" : "ahead of";
      report("clock-fault", `the hub's clock is ${side} the time that the region signed; check its time source`, {
        byMs,
      });
    },
    random: options.random,
  });
  const openSocket = createSocketOpener({ addresses, time: timeEscape });
  const now = (): EpochMs | null => timeEscape.now()?.utc ?? time.stamp().utc;

  const identities = createIdentityStore(folder, region);
  const broker = brokerAddress(region.url, region.serverName);
  const anchors = createAnchors({
    hub: hub.id,
    configured: region.ca,
    file: join(folder, "anchors.json"),
    keys: async () => (await readCommandKeys(region.commandKeys)).keys,
    probe: async (ca, signal) => {
      const { certificate, key } = await identities.present();
      const socket = await openSocket(broker, { ca, certificate, key }, signal);
      socket.destroy();
    },
    logger,
  });
  const source = createCredentialSource({ identities, anchors: anchors.current, now });

  const { enrolment } = region;
  const estCa = enrolment?.ca ?? null;
  const renewal = createRenewal({
    source,
    identities,
    reenrol:
      enrolment === null
        ? null
        : createReenrol({
            url: enrolment.url,
            openSocket: createSocketOpener({ addresses, time: timeEscape, subject: EST_SUBJECT }),
            clock,
          }),
    ca:
      estCa === null
        ? null
        : async () => {
            const texts = await Promise.all(estCa.map((file) => readPem("CA certificate", file)));
            for (const [i, text] of texts.entries()) parseCertificates("CA certificate", estCa[i] ?? "", text);
            return texts;
          },
    clock,
    now,
    random: options.random,
    logger,
    report,
    onCandidate: () => connector.renew(),
  });
  const opened = createBell(clock);
  const connector = createCandidateConnector({
    source,
    identities,
    connectorWith: (credentials) => options.connectorWith(credentials, openSocket),
    time: timeEscape,
    logger,
    onJudged: renewal.judged,
    onExpired: renewal.renewNow,
    onOpened: opened.ring,
  });

  const settleAnchors = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await opened.wait(null, signal);
      try {
        if (!signal.aborted) await anchors.settle(signal);
      } catch (thrown) {
        if (!isHubError(thrown)) throw thrown;
        logger.warn("retired anchors kept", { code: thrown.code, reason: thrown.message });
      }
    }
  };

  // The first `state` tells the certificate's end.
  await source.view();
  return {
    connector,
    read: () => source.read(),
    anchors,
    renewal,
    provenTime: timeEscape,
    notAfter: source.notAfter,
    renewalText: () => renewalText(renewal.status()),
    view: async () => {
      const said = renewalText(renewal.status());
      return { ...(await source.view()), ...(said === null ? {} : { renewal: said }) };
    },
    run: async (signal) => {
      await Promise.all([renewal.run(signal), settleAnchors(signal), timeEscape.run(signal)]);
    },
  };
};
