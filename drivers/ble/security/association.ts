import type { PairingFeatures } from "./smp-pdu.ts";

/** How the two sides authenticate each other (Bluetooth Core specification, Vol 3 Part H, 2.3.5.1). */
export type Association = "just-works" | "passkey-shown-here" | "passkey-entered-here" | "numeric-comparison";

/** Table 2.8 for an initiator that is us. Without MITM on either side, IO capabilities are ignored. */
export const associationOf = (initiator: PairingFeatures, responder: PairingFeatures): Association => {
  const here = initiator.io;
  const there = responder.io;
  const secure = initiator.secureConnections && responder.secureConnections;
  if (!initiator.mitm && !responder.mitm) return "just-works";
  if (here === "no-input-no-output" || there === "no-input-no-output") return "just-works";
  const canCompare = (io: PairingFeatures["io"]): boolean => io === "display-yes-no" || io === "keyboard-display";
  if (secure && canCompare(here) && canCompare(there)) return "numeric-comparison";
  if (there === "keyboard-only") return here === "keyboard-only" ? "passkey-entered-here" : "passkey-shown-here";
  switch (here) {
    case "keyboard-only":
      return "passkey-entered-here";
    case "keyboard-display":
      return there === "keyboard-display" ? "passkey-shown-here" : "passkey-entered-here";
    case "display-only":
    case "display-yes-no":
      return there === "keyboard-display" ? "passkey-shown-here" : "just-works";
  }
};
