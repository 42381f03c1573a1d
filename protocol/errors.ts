/** Every code that callers may branch on. The message is for people, the code is for programs. */
export type HubErrorCode =
  | "invalid-id"
  | "invalid-config"
  | "invalid-reading"
  | "invalid-argument"
  | "unknown-code"
  | "certificate-unreadable"
  | "adapter-absent"
  | "adapter-wedged"
  | "ble-timeout"
  | "ble-disconnected"
  | "ble-att-error"
  | "ble-not-bonded"
  | "bond-lost"
  | "serial-absent"
  | "serial-busy"
  | "serial-closed"
  | "sensor-unknown"
  | "session-timeout"
  | "outbox-disk-full"
  | "outbox-read-only"
  | "outbox-poisoned"
  | "outbox-corrupt"
  | "outbox-closed"
  | "outbox-key"
  | "link-refused"
  | "link-unreachable"
  | "link-tls"
  | "link-lost"
  | "link-timeout"
  | "message-too-large"
  | "diagnostics-unreachable"
  | "command-unknown"
  | "update-untrusted"
  | "update-expired"
  | "update-rolled-back"
  | "update-unreachable"
  | "update-too-large"
  | "update-no-space"
  | "update-over-budget"
  | "update-unknown-target"
  | "update-unfit"
  | "aborted";

export interface HubErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable details. Never a reading's value, never an identity. */
  readonly context?: Readonly<Record<string, string | number | boolean | null>>;
}

/** A failed operation: what was attempted, on what, what was found, and the next step, as one sentence. */
export class HubError extends Error {
  readonly code: HubErrorCode;
  readonly context: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: HubErrorCode, message: string, options: HubErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HubError";
    this.code = code;
    this.context = options.context ?? {};
  }
}

/** Narrow an unknown thrown value to a HubError, of one code where given. */
export const isHubError = (thrown: unknown, code?: HubErrorCode): thrown is HubError =>
  thrown instanceof HubError && (code === undefined || thrown.code === code);

/** The message of whatever was thrown, on one line. */
export const messageOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(/\s+/g, " ").trim();
