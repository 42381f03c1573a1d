import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../../scripts/bundle.mjs";
import { ROOT } from "../../scripts/setup.mjs";
import { warm } from "../../scripts/warm.mjs";

/** The release as `npm start` runs it, in a folder of its own inside the checkout, where its native packages are found. */
export interface Release extends AsyncDisposable {
  /** The launcher, which sets the memory options. */
  readonly program: string;
}

export const buildRelease = async (): Promise<Release> => {
  const folder = await mkdtemp(join(ROOT, "dist-release-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await bundle(folder);
    await warm(folder);
  } catch (thrown) {
    await remove();
    throw thrown;
  }
  return { program: join(folder, "hemhub"), [Symbol.asyncDispose]: remove };
};
