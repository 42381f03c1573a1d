import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLOCK_FLOOR } from "../../../gateway/clock/judge-clock.ts";
import type { HubConfig } from "../../../gateway/config/hub-config.ts";
import { type CredentialParts, openCredentials } from "../../../gateway/credentials/open-credentials.ts";
import { createSimulatedClock, type SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import type { CertificateAuthority, Identity } from "../../../hardware-sim/region/certificates.ts";
import { type EpochMs, epochMs } from "../../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../support/test-loggers.ts";
import { connectorTo, HUB } from "./link.ts";

export interface HubIdentityOptions {
  readonly identity: Identity;
  /** Trusted at first. */
  readonly ca: readonly CertificateAuthority[];
  readonly brokerPort: number;
  readonly est?: string;
  /** PEM of the region's key. */
  readonly regionKey?: string;
  /** Default: this machine's clock. */
  readonly now?: EpochMs;
}

/** What proves a hub to its region, on a disk of its own, over real TLS; only its waits are simulated. */
export interface HubIdentity extends AsyncDisposable {
  readonly folder: string;
  readonly clock: SimulatedClock;
  readonly parts: CredentialParts;
  readonly lines: readonly LogLine[];
  readonly events: readonly string[];
  /** Start again on the same disk. */
  restart(): Promise<void>;
}

export const openHubIdentity = async (options: HubIdentityOptions): Promise<HubIdentity> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-identity-"));
  const put = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  await mkdir(join(folder, "data"));
  const region: Partial<HubConfig["region"]> = {
    url: `mqtts://localhost:${options.brokerPort}`,
    serverName: null,
    ca: await Promise.all(options.ca.map(({ certificate }, i) => put(`ca-${i}.pem`, certificate))),
    certificate: await put("hub.crt", options.identity.certificate),
    key: await put("hub.key", options.identity.key),
    commandKeys: options.regionKey === undefined ? [] : [await put("region.pem", options.regionKey)],
    enrolment: options.est === undefined ? null : { url: options.est, ca: null },
    time: null,
  };
  const config = { hub: { id: HUB, dataDir: join(folder, "data") }, region } as unknown as HubConfig;
  const clock = createSimulatedClock({ startAt: options.now ?? epochMs(Date.now()) });
  const lines: LogLine[] = [];
  const events: string[] = [];
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const start = async (): Promise<CredentialParts> => {
    stop = new AbortController();
    const parts = await openCredentials({
      config,
      clock,
      time: clock,
      floor: () => CLOCK_FLOOR,
      logger: createKeepingLogger(lines),
      report: (code, message, detail) => events.push(`${code} ${String(detail.state)}: ${message}`),
      random: () => 0.5,
      connectorWith: (credentials, openSocket) => connectorTo(options.brokerPort, credentials, openSocket),
    });
    running = parts.run(stop.signal);
    return parts;
  };
  const end = async (): Promise<void> => {
    stop.abort(new Error("the hub stops"));
    await running;
  };

  let parts = await start();
  return {
    folder,
    clock,
    get parts() {
      return parts;
    },
    lines,
    events,
    restart: async () => {
      await end();
      parts = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await end();
      await rm(folder, { recursive: true });
    },
  };
};
