import { HubError } from "../../protocol/errors.ts";
import { type ImageHash, imageHash } from "../slots/slots.ts";
import { checkReleaseTerms, type ThisHub } from "../trust/target-policy.ts";
import type { TrustedTarget } from "../trust/trusted-target.ts";
import type { TrustedUpdate } from "../trust/trusted-update.ts";
import type { UpdateBackend } from "./backend.ts";
import type { Offer, ReleasePart, WantedRelease } from "./update-state.ts";

/** Largest image, unpacked: what a 1 GB partition holds twice. In bytes. */
export const MOST_IMAGE_BYTES = 512 * 1024 * 1024;

/** What the region signs about an image besides its terms: the custom fields of its target. */
interface ImageTerms {
  /** `release-image`, `runtime-image`, `rauc-bundle`. */
  readonly artefact: string;
  readonly image: ImageHash;
  readonly imageLength: number;
  /** Path of the runtime's target; null where the image brings its own. */
  readonly runtime: string | null;
  /** Targets that are the difference to an image, by that image. */
  readonly patches: readonly { readonly from: ImageHash; readonly target: string }[];
}

const unfit = (path: string, found: string): HubError =>
  new HubError("update-unfit", `update check: ${path} ${found}; ask the region for a release for this hub`);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const patchesOf = (patches: unknown): ImageTerms["patches"] | null => {
  if (patches === undefined) return [];
  if (!Array.isArray(patches)) return null;
  const read = patches.flatMap((patch: unknown) => {
    if (!isRecord(patch) || typeof patch.from !== "string" || typeof patch.target !== "string") return [];
    const from = imageHash(patch.from);
    return from === null ? [] : [{ from, target: patch.target }];
  });
  return read.length === patches.length ? read : null;
};

/** Throws `update-unfit` where a field is missing or is not what it should be. */
const imageTermsOf = ({ path, custom }: TrustedTarget): ImageTerms => {
  if (!isRecord(custom)) throw unfit(path, "does not say what it holds");
  const { artefact, image, imageLength, runtime = null } = custom;
  const hash = typeof image === "string" ? imageHash(image) : null;
  const patches = patchesOf(custom.patches);
  if (typeof artefact !== "string" || hash === null || patches === null) {
    throw unfit(path, "does not say what it holds");
  }
  if (runtime !== null && typeof runtime !== "string") throw unfit(path, "does not name its runtime");
  if (!Number.isSafeInteger(imageLength) || Number(imageLength) < 1 || Number(imageLength) > MOST_IMAGE_BYTES) {
    throw unfit(path, `unpacks to ${String(imageLength)} bytes, and ${MOST_IMAGE_BYTES} are the most`);
  }
  return { artefact, image: hash, imageLength: Number(imageLength), runtime, patches };
};

/**
 * What the region wants, as it is signed, and only where it fits this hub and its backend. Rejects as `TrustedUpdate`
 * does, and with `update-unfit` or `update-rolled-back` where the signed terms say no: that is for good.
 */
export const findOffer = async (
  update: TrustedUpdate,
  wanted: WantedRelease,
  hub: ThisHub,
  backend: UpdateBackend,
): Promise<Offer> => {
  const partOf = async (whole: TrustedTarget, terms: ImageTerms): Promise<ReleasePart> => {
    const { image, imageLength, patches } = terms;
    for (const { from, target } of backend.capabilities.takesPatches ? patches : []) {
      if (await backend.has(from)) {
        return { image, imageLength, whole, patch: { from, target: await update.target(target) } };
      }
    }
    return { image, imageLength, whole, patch: null };
  };

  const release = await update.target(wanted.target);
  const { counter } = checkReleaseTerms(release.path, release.custom, hub);
  if (counter !== wanted.counter) {
    throw unfit(release.path, `is signed with counter ${counter}, and the region wants ${wanted.counter}`);
  }
  const terms = imageTermsOf(release);
  const { artefact } = backend.capabilities;
  if (terms.artefact !== artefact) throw unfit(release.path, `is a ${terms.artefact}, and this hub takes ${artefact}s`);
  const parts = [await partOf(release, terms)];
  if (terms.runtime !== null) {
    const runtime = await update.target(terms.runtime);
    const runtimeTerms = imageTermsOf(runtime);
    if (runtimeTerms.artefact !== "runtime-image")
      throw unfit(runtime.path, `is a ${runtimeTerms.artefact}, and no runtime`);
    parts.push(await partOf(runtime, runtimeTerms));
  }
  return { wanted, image: terms.image, parts };
};
