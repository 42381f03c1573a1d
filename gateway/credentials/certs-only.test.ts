import "../../hardware-sim/region/reflect-metadata.ts";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { isHubError } from "../../protocol/errors.ts";
import { epochMs } from "../../protocol/time.ts";
import { certificateRequest, newPrivateKey } from "./certificate-request.ts";
import { certificatesIn } from "./certs-only.ts";

let authority: CertificateAuthority;
let message: Uint8Array;

beforeAll(async () => {
  authority = await createCertificateAuthority("authority", epochMs(Date.UTC(2026, 5, 15)));
  const { certificate } = await authority.client("hub-0042");
  const both = [certificate, authority.certificate].map((pem) => new x509.X509Certificate(pem));
  message = new Uint8Array(new x509.X509Certificates(both).export("raw"));
});

const isHarmless = (bytes: Uint8Array): boolean => {
  try {
    return certificatesIn(bytes).length > 0;
  } catch (thrown) {
    return isHubError(thrown, "certificate-unreadable");
  }
};

describe("a certs-only message", () => {
  it("gives its certificates in their order", () => {
    expect(certificatesIn(message).map(({ subject }) => subject)).toEqual(["CN=hub-0042", "CN=authority"]);
  });

  it("that is cut short, altered or made up is refused, or gives certificates, and does nothing else", () => {
    for (let length = 0; length < message.length; length++) {
      expect(() => certificatesIn(message.subarray(0, length))).toThrow(/ask for it again|must correct/);
    }
    void fc.assert(
      fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = Uint8Array.from(message);
        altered[at] = (altered[at] ?? 0) ^ flip;
        return isHarmless(altered);
      }),
      { numRuns: 2000 },
    );
    void fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isHarmless), { numRuns: 2000 });
  });
});

/** Subject alternative names, DER in hex. */
const namesIn = (extensions: readonly x509.Extension[]): string | undefined => {
  const found = extensions.find(({ type }) => type === "2.5.29.17");
  return found === undefined ? undefined : Buffer.from(found.rawData).toString("hex");
};

describe("a certificate request", () => {
  const requestFor = (pem: string): { key: string; request: x509.Pkcs10CertificateRequest } => {
    const key = newPrivateKey();
    const der = certificateRequest(key, new X509Certificate(pem));
    return { key, request: new x509.Pkcs10CertificateRequest(der) };
  };

  it("is signed with its own key, for the name of the present certificate", async () => {
    const { key, request } = requestFor((await authority.client("hub-0042")).certificate);
    expect(await request.verify()).toBe(true);
    expect(request.subject).toBe("CN=hub-0042");
    const spki = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
    expect(Buffer.from(request.publicKey.rawData).equals(spki)).toBe(true);
    expect(namesIn(request.extensions)).toBeUndefined();
  });

  it("asks for the alternative names of the present certificate too", async () => {
    const { certificate } = await authority.server({ names: ["a.example", "192.0.2.1"] });
    const { request } = requestFor(certificate);
    expect(await request.verify()).toBe(true);
    expect(namesIn(request.extensions)).toMatch(/^30/);
    expect(namesIn(request.extensions)).toBe(namesIn(new x509.X509Certificate(certificate).extensions));
  });
});
