/** L2CAP fixed channels of LE (Core Vol 3 Part A 2.1). */
export const ATT_CHANNEL = 0x0004;
export const SIGNALLING_CHANNEL = 0x0005;
export const SMP_CHANNEL = 0x0006;

const HEADER = 4;
const CONNECTION_PARAMETER_UPDATE_REQUEST = 0x12;
const CONNECTION_PARAMETERS = 8;

/**
 * Whether noble's signalling reads the command without running out of bytes: code, identifier, length, data
 * (Core Vol 3 Part A 4), and four 16-bit values in a connection parameter update request (4.20).
 */
export const isWellFormedSignal = (command: Uint8Array): boolean => {
  if (command.length < HEADER) return false;
  const length = (command[2] ?? 0) | ((command[3] ?? 0) << 8);
  if (command.length !== HEADER + length) return false;
  return command[0] !== CONNECTION_PARAMETER_UPDATE_REQUEST || length === CONNECTION_PARAMETERS;
};
