import { HubError, isHubError, messageOf } from "../../../protocol/errors.ts";
import type { Clock } from "../../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../../protocol/time.ts";
import type { BondingOptions } from "../security/bonding.ts";
import type { PairingPerson } from "../security/pairing-person.ts";
import { within } from "../within.ts";
import { AGENT_PATH, type PairingAgent } from "./agent.ts";
import type { Bluez } from "./bluez.ts";
import { pairError } from "./bluez-error.ts";
import { failureOf } from "./dbus.ts";
import type { KnownDevice } from "./known-devices.ts";
import { withPatience } from "./patience.ts";

/** Who may be paired, as for the hub's own bonding: only the keys are BlueZ's. */
export type BluezSecurity = Pick<BondingOptions, "securityOf" | "windowFor" | "onBonded" | "onBondLost">;

export interface Securing {
  readonly bluez: Bluez;
  readonly agent: PairingAgent;
  readonly clock: Clock;
  readonly security: BluezSecurity | null;
  /** True for an address that was paired at some time since the radio was made. */
  wasPaired(address: string): boolean;
}

/** Pairing that makes no progress ends here (Core Vol 3 Part H 3.4). */
const SMP_DEADLINE: Millis = seconds(30);
/** To take back what was begun. */
const TIDY_DEADLINE: Millis = seconds(2);

const CAPABILITIES: Readonly<Record<PairingPerson["io"], string>> = {
  "display-only": "DisplayOnly",
  "display-yes-no": "DisplayYesNo",
  "keyboard-only": "KeyboardOnly",
  "no-input-no-output": "NoInputNoOutput",
  "keyboard-display": "KeyboardDisplay",
};

const offer = async (bluez: Bluez, capability: string, pairable: boolean): Promise<void> => {
  await bluez.onAgents("UnregisterAgent", "o", [AGENT_PATH]).catch((thrown: unknown) => {
    // There is none at the start.
    if (failureOf(thrown)?.name !== "org.bluez.Error.DoesNotExist") throw thrown;
  });
  await bluez.onAgents("RegisterAgent", "os", [AGENT_PATH, capability]);
  // Also asked where a sensor, or BlueZ by itself, wants to pair.
  await bluez.onAgents("RequestDefaultAgent", "o", [AGENT_PATH]);
  await bluez.setOnAdapter("Pairable", "b", pairable);
};

/** No window is open: the hub's agent is there and rejects, whoever asks. */
export const closeToPairing = (bluez: Bluez): Promise<void> => offer(bluez, CAPABILITIES["no-input-no-output"], false);

const nameOf = ({ security }: Securing, address: string): string => security?.securityOf(address)?.name ?? address;

/** Report it, and the error that says so. */
export const bondLost = (securing: Securing, address: string, found: string): HubError => {
  const sentence = `${nameOf(securing, address)}: ${found}; open a pairing window and pair it again`;
  securing.security?.onBondLost(address, sentence);
  return new HubError("bond-lost", sentence);
};

/** Forget the bond, so that the sensor can be paired anew. It has to be heard again after that. */
export const forgetBond = async (
  { bluez, clock }: Pick<Securing, "bluez" | "clock">,
  device: KnownDevice,
): Promise<void> => {
  const late = (): HubError =>
    new HubError("ble-timeout", "removal of a bond: no answer of BlueZ; start the pairing again");
  const removed = bluez.onAdapter("RemoveDevice", "o", [device.path]);
  await within(removed, TIDY_DEADLINE, late, clock, new AbortController().signal);
};

const pair = async (
  securing: Securing,
  device: KnownDevice,
  person: PairingPerson,
  signal: AbortSignal,
): Promise<void> => {
  const { bluez, agent, clock } = securing;
  const name = nameOf(securing, device.address);
  const late = (): HubError =>
    new HubError(
      "ble-timeout",
      `${name}: pairing made no progress in ${SMP_DEADLINE / 1000} s; start the pairing again`,
    );
  let progress: () => void = () => undefined;
  const window = agent.open({ device: device.path, person, progress: () => progress() });
  let over = false;
  try {
    await withPatience(SMP_DEADLINE, late, clock, signal, async (_, gotOn) => {
      progress = gotOn;
      await offer(bluez, CAPABILITIES[person.io], true);
      await bluez.onDevice(device.path, "Pair").catch((thrown: unknown) => {
        // Many sensors hang up as soon as they are paired, and BlueZ then misses the discovery that belongs to Pair.
        if (bluez.devices.at(device.path)?.paired !== true) throw pairError(name, thrown);
      });
    });
    over = true;
  } finally {
    window.close();
    const tidy = async (): Promise<void> => {
      if (!over) await bluez.onDevice(device.path, "CancelPairing").catch(() => undefined);
      await closeToPairing(bluez);
    };
    // Where that fails the agent still rejects everything: no window is open.
    await within(tidy(), TIDY_DEADLINE, late, clock, new AbortController().signal).catch(() => undefined);
  }
  const unwanted = async (found: string, next: string): Promise<HubError> => {
    await forgetBond(securing, device).catch(() => undefined);
    return new HubError("ble-not-bonded", `${name}: pairing failed, ${found}; ${next}`);
  };
  if (person.mitm && !window.authenticated) {
    const found = "the sensor paired without a passkey or comparison, which its catalogue entry demands";
    throw await unwanted(found, "check the model and start the pairing again");
  }
  // BlueZ knows the identity address of a sensor that changes its address when it is paired.
  const identity = bluez.devices.at(device.path)?.address ?? device.address;
  if (identity !== person.identity) {
    const found = `the sensor that answered is ${identity}, and ${person.identity} is enrolled`;
    throw await unwanted(found, "correct the configuration, or pair the right one");
  }
  await bluez.setOnDevice(device.path, "Trusted", "b", true);
};

const pairWith = async (
  securing: Securing,
  device: KnownDevice,
  person: PairingPerson,
  signal: AbortSignal,
): Promise<void> => {
  person.began();
  try {
    await pair(securing, device, person, signal);
  } catch (thrown) {
    const cut = `pairing was cut off (${messageOf(thrown)}); start the pairing again`;
    person.ended(device.address, isHubError(thrown) ? thrown : new HubError("ble-not-bonded", cut));
    throw thrown;
  }
  person.ended(device.address, null);
};

/**
 * What has to be before the hub connects. BlueZ encrypts the link of a paired device by itself; any other one is paired
 * where a window is open for it, refused where it has to be bonded, and else used as it is. Rejects with HubError
 * `bond-lost`, `ble-not-bonded`, `ble-timeout` or `ble-disconnected`, or with the signal's reason.
 */
export const secure = async (securing: Securing, device: KnownDevice, signal: AbortSignal): Promise<void> => {
  if (device.paired) return;
  const { security } = securing;
  const person = security?.windowFor(device.address) ?? null;
  if (person !== null) return pairWith(securing, device, person, signal);
  const known = security?.securityOf(device.address) ?? null;
  if (known?.bonded !== true) return;
  // The hub trusts what it has paired: BlueZ keeps that mark where it lost the keys.
  if (device.trusted || securing.wasPaired(device.address)) {
    throw bondLost(securing, device.address, "BlueZ has no bond with the sensor any more");
  }
  const found = "not paired with this hub, and no pairing window is open; open one and pair it";
  throw new HubError("ble-not-bonded", `${known.name}: ${found}`);
};
