import type { ImageHash } from "../../ota/slots/slots.ts";
import type { ReasonCode } from "../../ota/update/update-state.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import { type TrialProbes, trialGates } from "./trial-gates.ts";
import type { Before, TrialFile } from "./trial-record.ts";

export interface BeforeOptions {
  readonly probes: TrialProbes;
  readonly file: TrialFile;
  readonly broker: { readonly host: string; readonly port: number };
  readonly clock: Clock;
}

/**
 * Note what this release can do, for the trial of `image` after it: right before it is activated, and before care is asked
 * for the last time, because it takes up to GATE_PATIENCE. Durable when it resolves; rejects with the error of the disk, and
 * then nothing must be activated, or with the reason of the signal.
 */
export const noteBefore = async (
  { probes, file, broker, clock }: BeforeOptions,
  image: ImageHash,
  signal: AbortSignal,
): Promise<void> => {
  const everything: Before = { isOnline: true, isEchoed: true, isDrained: true, transports: [], broker };
  const gates = trialGates(everything, probes, clock);
  const holds = async (code: ReasonCode): Promise<boolean> => {
    const gate = gates.find((one) => one.code === code);
    return gate !== undefined && (await gate.ask(signal)) === null;
  };
  const [isOnline, isEchoed, isDrained] = await Promise.all([
    holds("no-broker"),
    holds("no-echo"),
    holds("not-draining"),
  ]);
  signal.throwIfAborted();
  const transports = probes.openTransports();
  const before = { isOnline, isEchoed, isDrained, transports, broker: isOnline ? broker : null };
  await file.save({ image, before, judged: millis(0), excused: millis(0) });
};
