import { isHubError } from "../../protocol/errors.ts";
import { type EpochMs, epochMs, isoUtc } from "../../protocol/time.ts";
import type { Identity } from "./identity.ts";
import type { IdentityStore } from "./identity-store.ts";
import { READ_AGAIN, unreadable } from "./pem.ts";

/** What proves the hub to the region and the region to the hub, in PEM. */
export interface Credentials {
  readonly ca: readonly string[];
  readonly certificate: string;
  readonly key: string;
  readonly notAfter: EpochMs;
}

/** The certificate's state for people and for `state`: its end where it could be read, and what is wrong with it. */
export interface CertificateView {
  readonly notAfter: EpochMs | null;
  readonly trouble: string | null;
  /** Where the renewal stands; left out where there is nothing to say. */
  readonly renewal?: string;
}

/** The hub's credentials, read anew each time they are asked for: a renewed certificate needs no restart. */
export interface CredentialSource {
  /** For a connection. Rejects with HubError `certificate-unreadable`. */
  read(): Promise<Credentials>;
  /** A renewed pair that the broker has not accepted yet, for a connection; null where there is none. */
  candidate(): Promise<Credentials | null>;
  /** The present pair also where it has expired: for its own renewal. Rejects as `read`. */
  evenExpired(): Promise<{ readonly identity: Identity; readonly ca: readonly string[] }>;
  /** For people. Never rejects for what the files are. */
  view(): Promise<CertificateView>;
  /** End of the certificate as it was last seen, also of one that cannot be used; null: not known. */
  notAfter(): EpochMs | null;
}

export interface CredentialSourceOptions {
  readonly identities: IdentityStore;
  /** PEM texts of the authorities that the region is trusted by. Rejects with HubError `certificate-unreadable`. */
  readonly anchors: () => Promise<readonly string[]>;
  /** Null while the clock is not trusted: then validity in time is left to the handshake. */
  readonly now: () => EpochMs | null;
}

const endOf = ({ parsed }: Identity): EpochMs => epochMs(parsed.validToDate.getTime());
const beginOf = ({ parsed }: Identity): EpochMs => epochMs(parsed.validFromDate.getTime());

const checkTime = (identity: Identity, now: EpochMs | null): void => {
  if (now === null) return;
  const [notBefore, notAfter] = [beginOf(identity), endOf(identity)];
  if (now > notAfter) {
    const next = `renew the hub's certificate; ${READ_AGAIN}`;
    throw unreadable("hub certificate", identity.file, `expired at ${isoUtc(notAfter)}`, next, {
      trouble: "hub-certificate-expired",
    });
  }
  if (now < notBefore) {
    const found = `is valid only from ${isoUtc(notBefore)}, and the hub's clock says ${isoUtc(now)}`;
    throw unreadable("hub certificate", identity.file, found, `check the clock; ${READ_AGAIN}`, {
      trouble: "hub-certificate-not-yet-valid",
    });
  }
};

export const createCredentialSource = ({ identities, anchors, now }: CredentialSourceOptions): CredentialSource => {
  let ends: EpochMs | null = null;

  const present = async (): Promise<Identity> => {
    let found: EpochMs | null = null;
    try {
      const identity = await identities.present();
      found = endOf(identity);
      return identity;
    } finally {
      ends = found;
    }
  };

  const credentialsOf = async (identity: Identity): Promise<Credentials> => {
    const ca = await anchors();
    checkTime(identity, now());
    const { certificate, key } = identity;
    return { ca, certificate, key, notAfter: endOf(identity) };
  };

  const read = async (): Promise<Credentials> => credentialsOf(await present());

  return {
    read,
    candidate: async () => {
      const identity = await identities.candidate();
      if (identity === null) return null;
      const { certificate, key } = identity;
      return { ca: await anchors(), certificate, key, notAfter: endOf(identity) };
    },
    evenExpired: async () => ({ identity: await present(), ca: await anchors() }),
    view: async () => {
      try {
        return { notAfter: (await read()).notAfter, trouble: null };
      } catch (thrown) {
        if (!isHubError(thrown, "certificate-unreadable")) throw thrown;
        return { notAfter: ends, trouble: thrown.message };
      }
    },
    notAfter: () => ends,
  };
};
