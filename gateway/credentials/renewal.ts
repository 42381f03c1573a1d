import type { X509Certificate } from "node:crypto";
import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type EpochMs, epochMs, isoUtc, type Millis, millis, minutes } from "../../protocol/time.ts";
import { createBell } from "../forward/bell.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { subjectOf } from "./certificate-fields.ts";
import { certificateRequest, newPrivateKey } from "./certificate-request.ts";
import type { CredentialSource } from "./credential-source.ts";
import { sameBytes } from "./der.ts";
import { EST_SUBJECT, type Reenrol } from "./est-client.ts";
import type { Identity } from "./identity.ts";
import type { IdentityStore } from "./identity-store.ts";
import { certificatePem, type PemPair, parseKey } from "./pem.ts";
import { boundedWait, endsSoon, type Lifetime, LONGEST_WAIT, renewalDue, waitAfter } from "./renewal-plan.ts";

/** Where the renewal stands, for people. */
export type RenewalStatus =
  | { readonly tag: "off" }
  /** Not due. `at` is null while the clock is not trusted. */
  | { readonly tag: "idle"; readonly at: EpochMs | null }
  | { readonly tag: "asking" }
  | { readonly tag: "failing"; readonly sentence: string; readonly nextS: number }
  /** A new certificate is there, and the broker has not seen it yet. */
  | { readonly tag: "trying" };

/** Has the hub's certificate renewed in time. */
export interface Renewal {
  run(signal: AbortSignal): Promise<void>;
  /** The region says that the certificate has to be renewed, or refuses it as expired: now, whatever the clock says. */
  renewNow(): void;
  /** The broker took the new certificate (null), or refused it. */
  judged(refusal: HubError | null): void;
  status(): RenewalStatus;
}

export interface RenewalOptions {
  readonly source: CredentialSource;
  readonly identities: IdentityStore;
  /** Null where the configuration names no enrolment server. */
  readonly reenrol: Reenrol | null;
  /** Authorities of the enrolment server; null: those of the broker. */
  readonly ca: (() => Promise<readonly string[]>) | null;
  readonly clock: Clock;
  /** The best time that is known; null: none. */
  readonly now: () => EpochMs | null;
  /** [0, 1), for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** A new certificate is there: the link is to be opened with it. Called again for one that stays unjudged. */
  readonly onCandidate: () => Promise<void>;
}

/** A clock that is set, or files that are put there, are seen within this. */
const LOOK_EVERY = minutes(30);

const lifetimeOf = ({ parsed }: Identity): Lifetime => ({
  notBefore: epochMs(parsed.validFromDate.getTime()),
  notAfter: epochMs(parsed.validToDate.getTime()),
});

const unusable = (found: string): HubError =>
  new HubError("certificate-unreadable", `${EST_SUBJECT}: ${found}; the hub keeps its certificate and asks again`);

/** The new pair, checked: for the key that was made here, for the same name, and good for longer than the present one. */
const pairOf = (certificates: readonly X509Certificate[], key: string, present: Identity): PemPair => {
  const own = certificates.find((one) => one.checkPrivateKey(parseKey("new key", key)));
  if (own === undefined) throw unusable("the new certificate is for another key");
  if (!sameBytes(subjectOf(own), subjectOf(present.parsed))) throw unusable("the new certificate is for another name");
  if (own.validToDate.getTime() <= present.parsed.validToDate.getTime()) {
    throw unusable("the new certificate ends no later than the present one");
  }
  const others = certificates.filter((one) => one !== own && !one.checkIssued(one));
  return { certificate: [own, ...others].map(certificatePem).join(""), key };
};

export const createRenewal = (options: RenewalOptions): Renewal => {
  const { source, identities, reenrol, clock, logger, report } = options;
  const bell = createBell(clock);
  const roll = options.random();
  let told = false;
  let failures = 0;
  let nextAt: Millis | null = null;
  let status: RenewalStatus = { tag: reenrol === null ? "off" : "idle", at: null };

  const fail = (error: HubError, wait: Millis, lifetime: Lifetime | null): Millis => {
    nextAt = millis(clock.elapsed() + wait);
    status = { tag: "failing", sentence: error.message, nextS: Math.ceil(wait / 1000) };
    logger.warn("certificate not renewed", { code: error.code, reason: error.message });
    const now = options.now();
    if (lifetime !== null && now !== null && endsSoon(lifetime, now)) {
      const end = `${now > lifetime.notAfter ? "ended" : "ends"} at ${isoUtc(lifetime.notAfter)}`;
      report("certificate-fault", `the hub's certificate ${end} and is not renewed: ${error.message}`, {
        state: "not-renewed",
      });
    }
    return wait;
  };

  const ask = async (
    send: Reenrol,
    identity: Identity,
    ca: readonly string[],
    signal: AbortSignal,
  ): Promise<Millis> => {
    status = { tag: "asking" };
    // One that is asked for again after a restart or an approval: RFC 7030 4.2.3 wants the same request.
    let key = await identities.requestKey();
    if (key === null) {
      key = newPrivateKey();
      await identities.keepRequestKey(key);
    }
    const { certificate } = identity;
    const answer = await send(certificateRequest(key, identity.parsed), { ca, certificate, key: identity.key }, signal);
    if (answer.tag === "later") {
      const wait = boundedWait(answer.after);
      const waits = new HubError("link-refused", `${EST_SUBJECT}: it waits to be approved by the region`);
      return fail(waits, wait, lifetimeOf(identity));
    }
    await identities.keepCandidate(pairOf(answer.certificates, key, identity));
    logger.info("certificate renewed, the broker is asked next");
    failures = 0;
    told = false;
    status = { tag: "trying" };
    await options.onCandidate();
    return LOOK_EVERY;
  };

  const step = async (send: Reenrol, signal: AbortSignal): Promise<Millis> => {
    if ((await identities.candidate()) !== null) {
      status = { tag: "trying" };
      await options.onCandidate();
      return LOOK_EVERY;
    }
    const left = nextAt === null ? 0 : nextAt - clock.elapsed();
    if (left > 0) return millis(left);
    let lifetime: Lifetime | null = null;
    try {
      const { identity, ca } = await source.evenExpired();
      lifetime = lifetimeOf(identity);
      const [due, now] = [renewalDue(lifetime, roll), options.now()];
      if (!told && (now === null || now < due)) {
        status = { tag: "idle", at: now === null ? null : due };
        return now === null ? LOOK_EVERY : millis(Math.min(LOOK_EVERY, due - now));
      }
      return await ask(send, identity, (await options.ca?.()) ?? ca, signal);
    } catch (thrown) {
      if (signal.aborted) return LOOK_EVERY;
      if (!isHubError(thrown)) throw thrown;
      failures += 1;
      return fail(thrown, waitAfter(failures, options.random()), lifetime);
    }
  };

  return {
    run: async (signal) => {
      while (reenrol !== null && !signal.aborted) await bell.wait(await step(reenrol, signal), signal);
    },
    renewNow: () => {
      if (told) return;
      told = true;
      bell.ring();
    },
    judged: (refusal) => {
      nextAt = null;
      if (refusal === null) {
        report("certificate-fault", "the hub's certificate was renewed", { state: "recovered" });
      } else {
        report("certificate-fault", `the broker refuses the hub's new certificate: ${refusal.message}`, {
          state: "refused",
        });
        // The region has to put something right: asking soon would only make more certificates that it refuses.
        fail(refusal, LONGEST_WAIT, null);
      }
      bell.ring();
    },
    status: () => {
      if (status.tag !== "failing" || nextAt === null) return status;
      return { ...status, nextS: Math.max(0, Math.ceil((nextAt - clock.elapsed()) / 1000)) };
    },
  };
};
