import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker } from "../../hardware-sim/broker/scripted-broker.ts";
import { createRealClock } from "../../hardware-sim/clock/real-clock.ts";
import { createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { type CredentialFiles, writeCredentials } from "../../hardware-sim/region/credential-files.ts";
import { createRegionReceiver, type RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import { hubId } from "../../protocol/ids.ts";
import { epochMs } from "../../protocol/time.ts";
import { topicOf } from "../../protocol/topics.ts";

export const HUB = hubId("hub-0042");
/** Where hub and peers publish readings: the peers one in a message. */
export const READING_TOPIC = topicOf(HUB, "reading");

/** A broker over mutual TLS in this process, and a region behind it that answers the hub with receipts. */
export interface RegionEnd extends AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly files: CredentialFiles;
  readonly receiver: RegionReceiver;
  /** The network fails: connections are cut, and new ones are closed. */
  away(): void;
  back(): void;
}

export interface RegionEndOptions {
  /** Each message, before it is acknowledged. */
  readonly onMessage?: (topic: string, payload: Uint8Array) => void;
}

export const openRegionEnd = async ({ onMessage }: RegionEndOptions = {}): Promise<RegionEnd> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-bench-"));
  const clock = createRealClock();
  const authority = await createCertificateAuthority("bench region", epochMs(Date.now()));
  const files = await writeCredentials(authority, join(folder, "tls"), HUB);
  const receiver = createRegionReceiver({ clock });
  const broker = await createScriptedBroker({
    behaviour: wellBehaved,
    tls: { ...(await authority.server()), ca: authority.certificate },
    clock,
    onDelivered: (topic, payload) => {
      onMessage?.(topic, payload);
      receiver.receive(topic, payload);
    },
  });
  const receipts = receiver.attach(async (topic, payload) => broker.send(topic, payload));
  return {
    folder,
    port: broker.port,
    files,
    receiver,
    away: () => {
      broker.behave({ ...wellBehaved, name: "away", onConnect: () => ({ tag: "close" }) });
      broker.cut();
    },
    back: () => broker.behave(wellBehaved),
    [Symbol.asyncDispose]: async () => {
      receipts[Symbol.dispose]();
      await receiver[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
