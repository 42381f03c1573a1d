import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedServer,
  type Identity,
} from "../../hardware-sim/region/certificates.ts";
import { epochMs } from "../../protocol/time.ts";
import { connectorTo, DAY, HUB, outcomeOf } from "./support/link.ts";

const now = Date.now();
const PEM = /-----[A-Z ]+-----|\s/g;

let authority: CertificateAuthority;
let stranger: CertificateAuthority;
const open: AsyncDisposable[] = [];
/** What each of them is called, for the comparison at the end. */
const troubles = new Map<string, string>();

beforeAll(async () => {
  authority = await createCertificateAuthority("authority", epochMs(now));
  stranger = await createCertificateAuthority("stranger", epochMs(now));
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** Any TLS server: it is refused before MQTT begins. It tells whether a single byte reached it. */
const serverWith = async ({ certificate, key }: Identity): Promise<{ port: number; received: () => number }> => {
  let received = 0;
  const server = createServer({ cert: certificate, key }, (socket) => {
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  });
  return { port: (server.address() as AddressInfo).port, received: () => received };
};

const at = (days: number) => epochMs(now + days * DAY);

/** One bit of the signature is another one. */
const altered = (pem: string): string => {
  const der = Buffer.from(pem.replaceAll(PEM, ""), "base64");
  const last = der.length - 3;
  der[last] = (der[last] ?? 0) ^ 1;
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
};

describe("F23: a broker is refused, nothing is sent to it, and the hub says what is wrong:", () => {
  it.each<[string, () => Promise<Identity>]>([
    ["expired", () => authority.server({ notBefore: at(-20), notAfter: at(-1) })],
    ["not-yet-valid", () => authority.server({ notBefore: at(1), notAfter: at(20) })],
    ["name", () => authority.server({ names: ["other.example"] })],
    ["unknown", () => stranger.server()],
    ["self-signed", () => createSelfSignedServer(epochMs(now))],
    ["purpose", () => authority.client("localhost")],
    [
      "altered",
      async () => {
        const { certificate, key } = await authority.server();
        return { certificate: altered(certificate), key };
      },
    ],
  ])("%s", async (trouble, identity) => {
    const { port, received } = await serverWith(await identity());
    const hub = await authority.client(HUB);
    const outcome = await outcomeOf(connectorTo(port, async () => ({ ca: [authority.certificate], ...hub })));
    expect(outcome).toMatch(new RegExp(`^region-certificate-${trouble}: link to the region: .*[;:] .*\\(.*\\)$`));
    expect(received()).toBe(0);
    troubles.set(trouble, outcome.replace(/:.*/, ""));
  });

  it("each with a word of its own", () => {
    expect(new Set(troubles.values()).size).toBe(7);
  });
});
