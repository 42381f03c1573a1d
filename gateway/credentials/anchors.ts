import { X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { CommandKey } from "../commands/command-keys.ts";
import { replaceDurably } from "../store/durable-file.ts";
import { fileFailure } from "../store/number-floor.ts";
import { ANCHORS_TYPE, fingerprintOf, parseBundle } from "./anchor-bundle.ts";
import { certificatePem, parseCertificates, readPem } from "./pem.ts";
import { verifyStatement } from "./region-statement.ts";

/** What became of a bundle. In every case the broker that the hub has now is still trusted. */
export type AnchorsOutcome =
  | { readonly tag: "installed"; readonly anchors: number }
  /** The new ones are trusted; a retired one stays until the broker is reached without it. It is tried at each new link. */
  | { readonly tag: "waiting"; readonly sentence: string }
  | { readonly tag: "known" }
  | {
      readonly tag: "refused";
      readonly reason: "signature" | "malformed" | "other-hub" | "replayed" | "too-many";
      readonly sentence: string;
    };

/** The authorities that the region is trusted by: those of the configuration, and what the region has signed since. */
export interface Anchors {
  /** PEM, one certificate each, at least one. Rejects with HubError `certificate-unreadable`. */
  current(): Promise<readonly string[]>;
  /**
   * Take a signed bundle (compact JWS). What it adds is trusted, durably, when this resolves; what it retires goes only
   * after the broker was reached without it. Bundles are taken one after another, in the order of the calls. Rejects
   * with a HubError of the outbox's codes where the disk does not take it.
   */
  install(statement: string, signal: AbortSignal): Promise<AnchorsOutcome>;
  /** Try again to do without what was retired; does nothing where nothing is. For each new link. */
  settle(signal: AbortSignal): Promise<void>;
}

export interface AnchorsOptions {
  readonly hub: HubId;
  /** PEM files of the configuration. */
  readonly configured: readonly string[];
  /** Where what the region signed is kept. */
  readonly file: string;
  /** Of the region, to check bundles with. */
  readonly keys: () => Promise<readonly CommandKey[]>;
  /** Reach the broker with these anchors alone: a whole handshake. Rejects with HubError where it cannot be. */
  readonly probe: (anchors: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
}

interface Kept {
  readonly counter: number;
  readonly added: readonly string[];
  readonly retired: readonly string[];
  readonly waiting: readonly string[];
}

/** All that is trusted: a bundle on top of eight configured files, and as many again. */
const MOST_ANCHORS = 24;

const NOTHING: Kept = { counter: 0, added: [], retired: [], waiting: [] };

const areTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

const parseKept = (text: string): Kept => {
  const { schema, counter, added, retired, waiting } = JSON.parse(text) as Record<string, unknown>;
  const isKept =
    schema === "kept-anchors/1" && Number.isSafeInteger(counter) && [added, retired, waiting].every(areTexts);
  if (!isKept) throw new Error("other content");
  return { counter, added, retired, waiting } as Kept;
};

const fingerprint = (pem: string): string => fingerprintOf(new X509Certificate(pem));

const without = (pems: readonly string[], fingerprints: readonly string[]): readonly string[] =>
  pems.filter((pem) => !fingerprints.includes(fingerprint(pem)));

export const createAnchors = ({ hub, configured, file, keys, probe, logger }: AnchorsOptions): Anchors => {
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  const readKept = async (): Promise<Kept> => {
    try {
      return parseKept(await readFile(file, "utf8"));
    } catch (thrown) {
      // The configured ones stand then; the region's desired state, which is retained, brings the others again.
      if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") {
        logger.warn("anchors of the region not readable", { path: file, reason: messageOf(thrown) });
      }
      return NOTHING;
    }
  };

  const keep = async (kept: Kept): Promise<void> => {
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await replaceDurably(file, `${JSON.stringify({ schema: "kept-anchors/1", ...kept })}\n`);
    } catch (thrown) {
      throw fileFailure("anchors of the region: write", thrown);
    }
  };

  const configuredPems = async (): Promise<readonly string[]> => {
    const texts = await Promise.all(configured.map((path) => readPem("CA certificate", path)));
    return texts.flatMap((text, i) =>
      parseCertificates("CA certificate", configured[i] ?? "", text).map(certificatePem),
    );
  };

  const trusted = async (kept: Kept): Promise<readonly string[]> =>
    without([...new Set([...(await configuredPems()), ...kept.added])], kept.retired);

  /** Do without those that wait to be retired, if the broker can be reached without them. */
  const retire = async (kept: Kept, signal: AbortSignal): Promise<AnchorsOutcome> => {
    const left = without(await trusted(kept), kept.waiting);
    try {
      if (left.length === 0)
        return { tag: "waiting", sentence: "anchors: without the retired ones none would be left" };
      await probe(left, signal);
    } catch (thrown) {
      if (!isHubError(thrown) && !signal.aborted) throw thrown;
      const sentence = `anchors: the broker cannot be reached without the retired ones, so they are kept (${messageOf(thrown)})`;
      return { tag: "waiting", sentence };
    }
    const retired = [...new Set([...kept.retired, ...kept.waiting])];
    await keep({ ...kept, added: without(kept.added, retired), retired, waiting: [] });
    return { tag: "installed", anchors: left.length };
  };

  const install = async (statement: string, signal: AbortSignal): Promise<AnchorsOutcome> => {
    const refused = (reason: (AnchorsOutcome & { tag: "refused" })["reason"], found: string): AnchorsOutcome => ({
      tag: "refused",
      reason,
      sentence: `anchors from the region: ${found}; not taken, what is trusted stays as it is`,
    });
    const verified = await verifyStatement(statement, await keys(), ANCHORS_TYPE);
    if (verified.tag === "unsigned") return refused("signature", verified.found);
    const parsed = parseBundle(verified.content, hub);
    if (parsed.tag === "refused") return refused(parsed.reason, parsed.found);
    const { counter, anchors, retired } = parsed.bundle;
    const before = await readKept();
    if (counter === before.counter)
      return before.waiting.length === 0 ? { tag: "known" } : await retire(before, signal);
    if (counter < before.counter) return refused("replayed", `number ${counter} comes after ${before.counter}`);

    const given = anchors.map(fingerprint);
    const stillRetired = before.retired.filter((one) => !given.includes(one));
    const next: Kept = {
      counter,
      added: [...new Set([...before.added, ...anchors])],
      retired: stillRetired,
      waiting: [...new Set([...before.waiting, ...retired])].filter(
        (one) => !given.includes(one) && !stillRetired.includes(one),
      ),
    };
    const all = await trusted(next);
    if (all.length > MOST_ANCHORS) return refused("too-many", `${all.length} would be trusted`);
    await keep(next);
    logger.info("anchors of the region taken", { count: anchors.length });
    return next.waiting.length === 0 ? { tag: "installed", anchors: all.length } : await retire(next, signal);
  };

  return {
    current: async () => trusted(await readKept()),
    install: (statement, signal) => inTurn(() => install(statement, signal)),
    settle: (signal) =>
      inTurn(async () => {
        const kept = await readKept();
        if (kept.waiting.length === 0) return;
        const outcome = await retire(kept, signal);
        if (outcome.tag === "waiting") logger.debug("retired anchors kept", { reason: outcome.sentence });
        else logger.info("retired anchors gone");
      }),
  };
};
