import { stat } from "node:fs/promises";

/** True while the device file that was opened is still the one at its path. */
export type PresenceCheck = () => Promise<boolean>;

/**
 * A port that is unplugged between two reads answers every read with nothing (a hung-up terminal reads as end of
 * file), and the native binding then reads again without end and without a word. The device file, though, is gone, or
 * is another one after a quick replug: so look at it.
 */
export const createPresenceCheck = async (path: string): Promise<PresenceCheck> => {
  const look = (): Promise<string | null> =>
    stat(path).then(
      ({ dev, ino, rdev, ctimeMs }) => `${dev} ${ino} ${rdev} ${ctimeMs}`,
      () => null,
    );
  const opened = await look();
  return async () => opened !== null && (await look()) === opened;
};
