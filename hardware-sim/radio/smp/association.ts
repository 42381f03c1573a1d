/** IO capabilities, by their code (Core Vol 3 Part H 3.5.1 table 3.4). */
export const IO_CAPABILITIES = [
  "display-only",
  "display-yes-no",
  "keyboard-only",
  "no-input-no-output",
  "keyboard-display",
] as const;

export type IoCapability = (typeof IO_CAPABILITIES)[number];

/** How the two find out that they talk to each other. `responder-displays`: the initiator types what it shows. */
export type Association = "just-works" | "responder-displays" | "responder-types" | "both-type" | "numeric-comparison";

const canType = (io: IoCapability): boolean => io === "keyboard-only" || io === "keyboard-display";
const canShow = (io: IoCapability): boolean => io !== "keyboard-only" && io !== "no-input-no-output";
const canCompare = (io: IoCapability): boolean => io === "display-yes-no" || io === "keyboard-display";

/** Core Vol 3 Part H 2.3.5.1 table 2.8, for pairing in which one side asks for protection against a man in the middle. */
export const associationOf = (
  initiator: IoCapability,
  responder: IoCapability,
  secureConnections: boolean,
): Association => {
  if (secureConnections && canCompare(initiator) && canCompare(responder)) return "numeric-comparison";
  if (canShow(initiator) && canType(responder)) return "responder-types";
  if (canShow(responder) && canType(initiator)) return "responder-displays";
  return canType(initiator) && canType(responder) ? "both-type" : "just-works";
};
