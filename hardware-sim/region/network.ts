import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const HOST = "127.0.0.1";

export type NetworkState = "up" | "cut" | "silent";

/**
 * The stretch of network between hub and region: a TCP relay that a scenario can break. The hub connects to `port`;
 * bytes go on to the broker's port unread, so TLS stays end to end and any broker can stand behind it.
 */
export interface Network extends AsyncDisposable {
  readonly port: number;
  /** `mqtts://127.0.0.1:<port>`. */
  readonly url: string;
  readonly state: NetworkState;
  /** Interface down: every connection ends at once, new ones are refused. */
  cut(): Promise<void>;
  /** Somewhere a router is dead: connections stay open, and nothing moves any more in either direction. */
  silence(): void;
  /** What was silent moves on from where it stopped; what was cut can connect again. */
  restore(): Promise<void>;
}

interface Stretch {
  readonly near: Socket;
  readonly far: Socket;
}

export const createNetwork = async (target: () => number): Promise<Network> => {
  let state: NetworkState = "up";
  let port = 0;
  let server: Server | null = null;
  const open = new Set<Stretch>();
  const held = new Set<Socket>();

  const hold = ({ near, far }: Stretch): void => {
    near.unpipe(far).pause();
    far.unpipe(near).pause();
  };
  const join = ({ near, far }: Stretch): void => {
    near.pipe(far);
    far.pipe(near);
  };

  const relay = (near: Socket): void => {
    const far = connect(target(), HOST);
    const stretch = { near, far };
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
    server.listen(port, HOST);
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
      return `mqtts://${HOST}:${port}`;
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
