import { HubError, isHubError, messageOf } from "../../../protocol/errors.ts";
import { attError } from "../att-error.ts";
import { failureOf } from "./dbus.ts";

/** How BlueZ writes ATT errors (create_gatt_dbus_error in src/gatt-client.c, the same from 5.4x to 5.8x). */
const ATT_ERRORS: readonly (readonly [found: RegExp, code: number])[] = [
  [/Read not permitted/, 0x02],
  [/Write not permitted/, 0x03],
  // Stands for 0x05, 0x0c and 0x0f, which have one remedy.
  [/Not paired/, 0x05],
  [/NotSupported/, 0x06],
  [/Invalid offset/i, 0x07],
  [/NotAuthorized/, 0x08],
  [/Invalid Length/i, 0x0d],
];

const attCodeOf = (said: string): number | null => {
  const code = /ATT error: (0x[0-9a-f]{2})/i.exec(said)?.[1];
  return code === undefined ? (ATT_ERRORS.find(([found]) => found.test(said))?.[1] ?? null) : Number(code);
};

/** The connection, the object or BlueZ itself is not there any more. */
const GONE =
  /NotConnected|Not connected|UnknownObject|UnknownMethod|NoReply|ServiceUnknown|NameHasNoOwner|Disconnected/;

const saidBy = (thrown: unknown): string | null => {
  const failure = failureOf(thrown);
  return failure === null ? null : `${failure.name}: ${failure.text}`;
};

/** What BlueZ answered, in its own short words: `le-connection-abort-by-local`. */
export const wordsOf = (thrown: unknown): string => failureOf(thrown)?.text || saidBy(thrown) || messageOf(thrown);

/**
 * A read, write or subscription failed: `ble-att-error` with `attError` in its context (null where BlueZ does not say
 * which), or `ble-disconnected`.
 */
export const operationError = (attempted: string, thrown: unknown): unknown => {
  if (isHubError(thrown)) return thrown;
  const said = saidBy(thrown);
  if (said === null || GONE.test(said)) {
    const found = `the connection is gone (${wordsOf(thrown)}); measure again near the hub`;
    return new HubError("ble-disconnected", `${attempted}: ${found}`, { cause: thrown });
  }
  const code = attCodeOf(said);
  if (code !== null) return attError(attempted, code);
  return new HubError("ble-att-error", `${attempted}: BlueZ answered ${said}; measure again`, {
    cause: thrown,
    context: { attError: null },
  });
};

/** Device1.Pair failed. */
export const pairError = (name: string, thrown: unknown): unknown => {
  const failure = failureOf(thrown);
  if (failure === null) return thrown;
  const words = wordsOf(thrown).toLowerCase();
  if (/ConnectionAttemptFailed|Error\.Failed|NotReady|InProgress|UnknownObject/.test(failure.name)) {
    const found = `no connection (${words}); keep the sensor near the hub, let it advertise and start the pairing again`;
    return new HubError("ble-disconnected", `${name}: pairing failed, ${found}`, { cause: thrown });
  }
  const code = /Timeout/.test(failure.name) ? "ble-timeout" : "ble-not-bonded";
  return new HubError(code, `${name}: pairing failed, ${words}; start the pairing again`, { cause: thrown });
};

/** BlueZ refuses a connection because the keys of the two sides do not fit. */
export const isAuthenticationFailure = (thrown: unknown): boolean =>
  /org\.bluez\.Error\.Authentication|key-missing/.test(saidBy(thrown) ?? "");
