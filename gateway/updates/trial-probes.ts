import { connect } from "node:net";
import type { HubConfig } from "../config/hub-config.ts";
import type { Forwarder } from "../forward/forwarder.ts";
import type { SensorParts } from "../sensors.ts";
import type { SqliteOutbox } from "../store/outbox.ts";
import type { BacklogWatch } from "./care-backlog.ts";
import type { TrialProbes } from "./trial-gates.ts";
import { selfTest } from "./trial-self-test.ts";
import { isTransportThere, openTransports } from "./trial-transports.ts";

/** The parts of a running hub that its trial looks at. */
export interface TrialSources {
  readonly config: HubConfig;
  readonly isReady: () => boolean;
  readonly forwarder: Pick<Forwarder, "status" | "echo">;
  readonly outbox: Pick<SqliteOutbox, "proveWrites" | "nextTexts">;
  readonly sensors: Pick<SensorParts, "radio" | "sensors">;
  readonly backlog: Pick<BacklogWatch, "now">;
}

/** Whether somebody takes a TCP connection: nothing of TLS, MQTT, kept addresses or certificates is in it. Never rejects. */
export const takesConnection = (host: string, port: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const socket = connect({ host, port });
    const end = (isTaken: boolean): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(isTaken);
    };
    const onAbort = (): void => end(false);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => end(true));
    // Also where it is torn down after the answer: once is not enough.
    socket.on("error", () => end(false));
  });

export const createTrialProbes = (sources: TrialSources): TrialProbes => {
  const { config, isReady, forwarder, outbox, sensors, backlog } = sources;
  return {
    isReady,
    link: () => {
      const { state, trouble } = forwarder.status();
      return { isUp: state === "up", trouble };
    },
    echo: (signal) => forwarder.echo(signal),
    outbox: async () => {
      await outbox.proveWrites();
      // What the release before has stored opens, too.
      await outbox.nextTexts(0, 1);
    },
    openTransports: () => openTransports(config, sensors),
    isThere: (transport) => isTransportThere(transport),
    backlog: () => backlog.now(),
    selfTest,
    reaches: takesConnection,
  };
};
