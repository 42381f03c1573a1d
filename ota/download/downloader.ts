import path from "node:path";
import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import { explainFullDisk } from "../files/no-space.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import type { TrustedTarget } from "../trust/trusted-target.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { checkDiskRoom } from "./disk-room.ts";
import { atPace, LEAST_PACE, type Paced } from "./pace.ts";
import { openPartFile } from "./part-file.ts";
import { encodePath, type RepositorySource, type SourceReply } from "./source.ts";
import { isTarget } from "./verify-file.ts";

/** Attempts in a row that bring nothing, 2 + 4 + 8 + 16 s apart; what comes later is the next check's. */
const MOST_VAIN_ATTEMPTS = 5;
const FIRST_PAUSE = millis(1000);

export interface DownloadOptions {
  readonly files: UpdateFiles;
  readonly source: RepositorySource;
  readonly clock: Clock;
  readonly budget: ByteBudget;
  readonly target: TrustedTarget;
  /** Folder for the finished file and its part, and the file's name in it. */
  readonly directory: string;
  readonly name: string;
  /** What the use of the target takes on the same disk besides: the image that a patch becomes. */
  readonly alsoNeededBytes: number;
}

/** How an attempt ended: all bytes are there, or why not yet. */
type Attempt = { readonly tag: "all" } | { readonly tag: "again" | "never"; readonly why: HubError };

/**
 * Download a target and give its path. Durable and verified when it resolves; a file that is there already and matches is
 * used as it is. What an earlier call left is resumed, also after a cut of the power.
 *
 * Rejects with `update-unreachable`, `update-too-large`, `update-over-budget` or `update-no-space` (the next call goes
 * on; on a full disk it begins anew, for readings need the room more), with `update-untrusted` where the content is not
 * what was signed, and with the signal's reason.
 */
export const downloadTarget = async (options: DownloadOptions, signal: AbortSignal): Promise<string> => {
  const { files, source, clock, budget, target, directory, name, alsoNeededBytes } = options;
  const finished = path.join(directory, name);
  await files.makeDirectory(directory);
  if (await isTarget(files, finished, target)) return finished;
  await using part = await openPartFile(files, directory, name, target);
  await checkDiskRoom(files, directory, target.length - part.length + alsoNeededBytes);

  const unreachable = (found: string): HubError =>
    new HubError("update-unreachable", `update download: ${source.name}, ${target.path}: ${found}`);

  const tooLarge = (length: string): HubError =>
    new HubError(
      "update-too-large",
      `update download: ${source.name} sends ${length} bytes for ${target.path}, and ${target.length} are signed; stopped. Report it to the region`,
    );

  const otherLength = (length: number): HubError =>
    new HubError(
      "update-untrusted",
      `update download: ${target.path} at ${source.name} has ${length} bytes, and ${target.length} are signed; nothing of it was taken. It is tried again later; where it stays so, report it to the region`,
    );

  /** Bytes of more than one reply are in the part: it may be of two states of a file. */
  let isMixed = part.length > 0;

  /** Make the part fit what the source is about to send; why not, where that cannot be. */
  const prepare = async (reply: SourceReply & { tag: "content" }): Promise<HubError | null> => {
    if (reply.length !== null && reply.length > target.length) throw tooLarge(String(reply.length));
    if (reply.length !== null && reply.length < target.length) throw otherLength(reply.length);
    const isSameState = part.length > 0 && (reply.validator === null || reply.validator === part.validator);
    if (reply.from === part.length && isSameState) return null;
    await part.restart(reply.from === 0 ? reply.validator : null);
    isMixed = false;
    return reply.from === 0 ? null : unreachable("the file changed in between; it is begun anew");
  };

  const checkBudget = (): void => {
    if (budget.left() > 0) return;
    throw new HubError(
      "update-over-budget",
      `update download: the bytes that updates may use on this link are used up (${part.length} of ${target.length} are here); it goes on in the next period, or on another link`,
    );
  };

  const take = async (chunk: Uint8Array): Promise<void> => {
    budget.spend(chunk.length);
    if (part.length + chunk.length > target.length) throw tooLarge("more");
    await part.append(chunk);
    if (part.length < target.length) checkBudget();
  };

  const attempt = async (paced: Paced): Promise<Attempt> => {
    checkBudget();
    const location = encodePath(target.location);
    const asked = { part: "targets", path: location, from: part.length, validator: part.validator } as const;
    const reply = await paced.orAborted(source.open(asked, paced.signal));
    if (reply.tag === "absent") {
      return { tag: "never", why: unreachable("is listed and not there; ask the region to publish it again") };
    }
    if (reply.tag === "out-of-range") {
      await part.restart(null);
      return { tag: "again", why: unreachable("the file became shorter; it is begun anew") };
    }
    isMixed ||= asked.from > 0;
    const unfit = await prepare(reply);
    if (unfit !== null) return { tag: "again", why: unfit };
    for await (const chunk of paced.counted(reply.body)) await take(chunk);
    if (part.length === target.length) return { tag: "all" };
    return { tag: "again", why: unreachable(`broke off after ${part.length} of ${target.length} bytes`) };
  };

  /** On a full disk the part gives its room back: readings need it. What is not the target is of no use. */
  const tryOnce = async (): Promise<Attempt> => {
    try {
      const outcome = await atPace(clock, LEAST_PACE, source.name, signal, attempt);
      await part.checkpoint();
      return outcome;
    } catch (thrown) {
      const explained = explainFullDisk(thrown, "update download");
      if (isHubError(explained, "update-no-space") || isHubError(explained, "update-too-large")) await part.discard();
      await part.checkpoint();
      if (isHubError(explained, "update-unreachable")) return { tag: "again", why: explained };
      throw explained;
    } finally {
      await budget.save();
    }
  };

  const fill = async (): Promise<void> => {
    let farthest = part.length;
    for (let vain = 0; part.length < target.length; ) {
      const outcome = await tryOnce();
      if (outcome.tag === "all") return;
      if (outcome.tag === "never") throw outcome.why;
      vain = part.length >= farthest + LEAST_PACE.leastBytes ? 0 : vain + 1;
      farthest = Math.max(farthest, part.length);
      if (vain >= MOST_VAIN_ATTEMPTS) throw outcome.why;
      await clock.sleep(millis(FIRST_PAUSE * 2 ** vain), signal);
    }
  };

  for (let isAnew = false; ; isAnew = true) {
    await fill();
    if (await isTarget(files, `${finished}.part`, target)) {
      await part.finish();
      return finished;
    }
    if (!isMixed || isAnew) break;
    await part.restart(null);
    isMixed = false;
  }
  await part.discard();
  throw new HubError(
    "update-untrusted",
    `update download: ${target.path} of ${source.name} is not what the region signed; it was removed. Report it to the region`,
  );
};
