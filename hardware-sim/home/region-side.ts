import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HubId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { createRegionBroker, type RegionBroker } from "../region/broker.ts";
import { createCertificateAuthority } from "../region/certificates.ts";
import { createRegionClient } from "../region/client.ts";
import { type CredentialFiles, writeCredentials } from "../region/credential-files.ts";
import { createNetwork, type Network } from "../region/network.ts";
import { createRegionReceiver, type RegionEvent, type RegionReceiver } from "../region/receiver.ts";

/** A broker that is not ours, for example Mosquitto, started with the credentials of this home. */
export interface OutsideBroker extends AsyncDisposable {
  /** On 127.0.0.1. The server certificate of `CredentialFiles` names `localhost` and `127.0.0.1`. */
  readonly port: number;
}

export type StartBroker = (files: CredentialFiles) => Promise<OutsideBroker>;

/** Everything beyond the hub's network socket. */
export interface RegionSide extends AsyncDisposable {
  readonly files: CredentialFiles;
  readonly receiver: RegionReceiver;
  readonly network: Network;
  /** Of the broker itself, for the region's own clients: no scenario breaks that way. */
  readonly url: string;
  /** Null where an outside broker serves. */
  readonly broker: RegionBroker | null;
}

export interface RegionSideOptions {
  readonly clock: Clock;
  readonly hub: HubId;
  readonly folder: string;
  readonly seed: number;
  readonly observe: (event: RegionEvent) => void;
  readonly startBroker?: StartBroker;
}

const urlOf = (port: number): string => `mqtts://127.0.0.1:${port}`;

export const createRegionSide = async (options: RegionSideOptions): Promise<RegionSide> => {
  const { clock, hub, observe } = options;
  await using stack = new AsyncDisposableStack();
  const authority = await createCertificateAuthority("hemhub simulated region", clock.now());
  const files = await writeCredentials(authority, join(options.folder, "tls"), hub);
  const receiver = stack.use(createRegionReceiver({ clock, seed: options.seed, observe }));

  let broker: RegionBroker | null = null;
  let port: () => number;
  if (options.startBroker === undefined) {
    const embedded = stack.use(
      await createRegionBroker({
        ca: authority.certificate,
        certificate: await readFile(files.server.certificate, "utf8"),
        key: await readFile(files.server.key, "utf8"),
        receiver,
      }),
    );
    broker = embedded;
    port = () => embedded.port;
  } else {
    const outside = stack.use(await options.startBroker(files));
    port = () => outside.port;
    stack.use(await createRegionClient({ url: urlOf(outside.port), ca: files.ca, ...files.region, receiver }));
  }
  const network = stack.use(await createNetwork(port));
  const kept = stack.move();
  return {
    files,
    receiver,
    network,
    url: urlOf(port()),
    broker,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
};
