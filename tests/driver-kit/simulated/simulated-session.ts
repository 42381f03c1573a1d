/** A session with a simulated sensor that becomes a capture of drivers/captures. */
export interface SimulatedSession {
  /** Name of the capture's file, without its ending. */
  readonly name: string;
  readonly about: string;
  /** Whether every message of the format carries a check. */
  readonly integrity: "checksum" | "none";
  /** Length of the recording. */
  readonly seconds: number;
}

/** Where the home is: what sensors keep local time in. */
export const ZONE = "Europe/Stockholm";

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
