import { readFile } from "node:fs/promises";
import { connectAsync } from "mqtt";
import type { Reported } from "../../protocol/desired.ts";
import type { HubId } from "../../protocol/ids.ts";
import { topicOf } from "../../protocol/topics.ts";

export interface DesiredClientOptions {
  readonly url: string;
  /** Paths of PEM files; the certificate is the region's. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly hub: HubId;
  readonly protocolVersion?: 4 | 5;
}

/** A region that tells one hub what it wants, and hears what became of it. */
export interface DesiredClient extends AsyncDisposable {
  /** Retained; resolves when the broker has it. */
  desire(message: Readonly<Record<string, unknown>> | string): Promise<void>;
  /** The newest `reported`; null where there was none yet. */
  readonly reported: Reported | null;
}

export const createDesiredClient = async (options: DesiredClientOptions): Promise<DesiredClient> => {
  const { hub } = options;
  const [ca, cert, key] = await Promise.all(
    [options.ca, options.certificate, options.key].map((file) => readFile(file)),
  );
  const client = await connectAsync(options.url, {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    protocolVersion: options.protocolVersion ?? 4,
    clientId: `region-desired-${process.pid}`,
  });
  let reported: Reported | null = null;
  client.on("error", () => undefined);
  client.on("message", (_topic, payload) => {
    reported = JSON.parse(payload.toString("utf8")) as Reported;
  });
  await client.subscribeAsync(topicOf(hub, "reported"), { qos: 1 });
  return {
    desire: async (message) => {
      const text = typeof message === "string" ? message : JSON.stringify({ schema: "desired/1", ...message });
      await client.publishAsync(topicOf(hub, "desired"), text, { qos: 1, retain: true });
    },
    get reported() {
      return reported;
    },
    [Symbol.asyncDispose]: () => client.endAsync(true),
  };
};
