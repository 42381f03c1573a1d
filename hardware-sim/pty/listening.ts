import { readFileSync, statSync } from "node:fs";

/**
 * A reader that opens a serial port exclusively holds a flock(2) on it (serialport does by default), and the kernel
 * lists those in /proc/locks as `1: FLOCK  ADVISORY  WRITE 4711 00:1a:3 0 EOF`: process, device in hexadecimal, inode.
 * It is the one trace of a reader that another holder of the same terminal can see.
 */
const LOCKS = "/proc/locks";

const two = (value: number): string => value.toString(16).padStart(2, "0");

/** Device number as the kernel encodes it towards user space: 12 bits major, 20 bits minor, interleaved. */
const deviceText = (dev: number): string => `${two((dev >> 8) & 0xfff)}:${two((dev & 0xff) | ((dev >> 12) & 0xfff00))}`;

export type ListenerCheck = () => boolean;

/** A check whether somebody has the terminal locked. True also where the machine does not say. */
export const createListenerCheck = (path: string): ListenerCheck => {
  const { dev, ino } = statSync(path);
  const mark = ` ${deviceText(dev)}:${ino} `;
  return () => {
    try {
      return readFileSync(LOCKS, "latin1").includes(mark);
    } catch {
      return true;
    }
  };
};
