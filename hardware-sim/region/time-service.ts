import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type EpochMs, isoUtc } from "../../protocol/time.ts";
import type { RegionSigner } from "./region-signer.ts";

/** `sign` is what it should do; the rest is what may come instead. */
export type TimeBehaviour =
  | { readonly tag: "sign" }
  /** The first answer again, whatever is asked. */
  | { readonly tag: "replay" }
  /** Signed by somebody else. */
  | { readonly tag: "forge"; readonly signer: RegionSigner }
  /** Signed by the region, for another purpose. */
  | { readonly tag: "other-type" }
  /** A network that asks for a login. */
  | { readonly tag: "redirect" | "page" }
  | { readonly tag: "status"; readonly status: number }
  | { readonly tag: "hang" };

export interface TimeServiceOptions {
  readonly signer: RegionSigner;
  /** The time in the region. */
  readonly now: () => EpochMs;
  readonly behave?: () => TimeBehaviour;
}

/** Signs the time together with whatever nonce it is asked with (docs/region.md, Time of a hub whose clock is wrong). */
export interface TimeService extends AsyncDisposable {
  readonly url: string;
  readonly asked: number;
}

const HOST = "127.0.0.1";
const TYPE = "hemhub-time+jws";

export const createTimeService = async ({ signer, now, behave }: TimeServiceOptions): Promise<TimeService> => {
  let asked = 0;
  let first: string | null = null;

  const answer = async (nonce: string, response: ServerResponse): Promise<void> => {
    const does: TimeBehaviour = behave?.() ?? { tag: "sign" };
    const content = { schema: "time/1", nonce, at: isoUtc(now()) };
    switch (does.tag) {
      case "sign":
      case "replay":
        first = does.tag === "replay" && first !== null ? first : await signer.sign(TYPE, content);
        response.end(first);
        return;
      case "forge":
        response.end(await does.signer.sign(TYPE, content));
        return;
      case "other-type":
        response.end(await signer.sign("hemhub-anchors+jws", content));
        return;
      case "redirect":
        response.writeHead(302, { location: "http://login.example/" });
        response.end();
        return;
      case "page":
        response.end("<html><body>Welcome to our network</body></html>");
        return;
      case "status":
        response.writeHead(does.status);
        response.end();
        return;
      case "hang":
        return;
    }
  };

  const server = createServer((request, response) => {
    asked += 1;
    const nonce = new URL(request.url ?? "/", "http://localhost").searchParams.get("nonce") ?? "";
    answer(nonce, response).catch(() => response.destroy());
  });
  server.listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${port}/hemhub`,
    get asked() {
      return asked;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
