import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";
import { createDelayLine } from "./delay-line.ts";

const HOST = "127.0.0.1";

export type NetworkState = "up" | "cut" | "silent";

/**
 * The stretch of network between hub and region: a TCP relay that a scenario can break. The hub connects to `port`;
 * bytes go on to the broker's port unread, so TLS stays end to end and any broker can stand behind it.
 */
export interface Network extends AsyncDisposable {
  readonly port: number;
  /** `mqtts://<host>:<port>`. */
  readonly url: string;
  readonly state: NetworkState;
  /** Interface down: every connection ends at once, new ones are refused. */
  cut(): Promise<void>;
  /** Somewhere a router is dead: connections stay open, and nothing moves any more in either direction. */
  silence(): void;
  /** What was silent moves on from where it stopped; what was cut can connect again. */
  restore(): Promise<void>;
}

export interface NetworkOptions {
  /** Address to listen on; 127.0.0.1 where it is left out. */
  readonly host?: string;
  /** How long bytes are under way, in each direction. The connection itself is opened at once. */
  readonly delay?: { readonly oneWay: Millis; readonly clock: Clock };
}

interface Stretch {
  readonly near: Socket;
  readonly far: Socket;
  /** What the bytes of each end are written into: the other end, or what delays them before it. */
  readonly out: Duplex;
  readonly back: Duplex;
}

/** The broker is at `target` on this machine. */
export const createNetwork = async (target: () => number, options: NetworkOptions = {}): Promise<Network> => {
  const { host = HOST, delay } = options;
  let state: NetworkState = "up";
  let port = 0;
  let server: Server | null = null;
  const open = new Set<Stretch>();
  const held = new Set<Socket>();

  const hold = ({ near, far, out, back }: Stretch): void => {
    near.unpipe(out).pause();
    far.unpipe(back).pause();
  };
  const join = ({ near, far, out, back }: Stretch): void => {
    near.pipe(out);
    far.pipe(back);
  };
  const towards = (end: Socket): Duplex => {
    if (delay === undefined) return end;
    const line = createDelayLine(delay.clock, delay.oneWay);
    line.pipe(end);
    end.on("close", () => line.destroy());
    return line;
  };

  const relay = (near: Socket): void => {
    const far = connect(target(), HOST);
    const stretch = { near, far, out: towards(far), back: towards(near) };
    open.add(stretch);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.setNoDelay(true);
      // An error always ends in close, and close is what counts here.
      one.on("error", () => undefined);
      one.on("close", () => {
        open.delete(stretch);
        other.destroy();
      });
    }
    join(stretch);
  };

  const accept = (near: Socket): void => {
    near.on("error", () => undefined);
    if (state !== "silent") {
      relay(near);
      return;
    }
    near.pause();
    held.add(near);
    near.on("close", () => held.delete(near));
  };

  const listen = async (): Promise<void> => {
    if (server !== null) return;
    server = createServer({ pauseOnConnect: true }, accept);
    server.listen(port, host);
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };

  const cut = async (): Promise<void> => {
    state = "cut";
    const closing = server;
    server = null;
    const closed = new Promise<void>((resolve) => (closing === null ? resolve() : closing.close(() => resolve())));
    for (const { near, far } of open) {
      near.destroy();
      far.destroy();
    }
    for (const near of held) near.destroy();
    await closed;
  };

  await listen();
  return {
    get port() {
      return port;
    },
    get url() {
      return `mqtts://${host}:${port}`;
    },
    get state() {
      return state;
    },
    cut,
    silence: () => {
      if (state !== "up") return;
      state = "silent";
      for (const stretch of open) hold(stretch);
    },
    restore: async () => {
      const before = state;
      state = "up";
      if (before === "silent") for (const stretch of open) join(stretch);
      for (const near of [...held]) {
        held.delete(near);
        relay(near);
      }
      await listen();
    },
    [Symbol.asyncDispose]: cut,
  };
};
