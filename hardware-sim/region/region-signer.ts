import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { CompactSign } from "jose";

/** A key of the region that signs statements for hubs. */
export interface RegionSigner {
  /** What hubs check with, PEM. */
  readonly publicKey: string;
  /** A compact JWS (RFC 7515) of this content, for one purpose (`typ`). */
  sign(type: string, content: unknown): Promise<string>;
}

export const createRegionSigner = (): RegionSigner => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    sign: (type, content) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(content)))
        .setProtectedHeader({ alg: "EdDSA", typ: type })
        .sign(key),
  };
};
