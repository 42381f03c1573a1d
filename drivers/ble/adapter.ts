import { HubError, messageOf } from "../../protocol/errors.ts";
import type { RadioState } from "../../protocol/ports/radio.ts";

/** A Bluetooth adapter that the hub owns alone: an H4 module on a serial port, or a local adapter by its number. */
export type BleAdapter =
  | { readonly type: "uart"; readonly path: string; readonly baudRate: number }
  | { readonly type: "hci"; readonly device: number };

/** A local adapter that BlueZ drives, by BlueZ's name for it. */
export interface BluezAdapter {
  readonly type: "bluez";
  /** `hci0` */
  readonly name: string;
}

export const nameOf = (adapter: BleAdapter | BluezAdapter): string => {
  switch (adapter.type) {
    case "bluez":
      return adapter.name;
    case "uart":
      return adapter.path;
    case "hci":
      return `hci${adapter.device}`;
  }
};

interface Symptom {
  readonly found: RegExp;
  readonly sentence: string;
}

/** What serialport says, and what that means at the hub. */
const UART_SYMPTOMS: readonly Symptom[] = [
  { found: /no such file|not found/i, sentence: "there is no such port; plug the adapter in, or correct `path`" },
  {
    found: /permission denied|EACCES/i,
    sentence: "this user may not open the port; add the hub's user to the port's group (dialout)",
  },
  { found: /cannot lock|busy/i, sentence: "another program has the port open; stop that program" },
  { found: /not open|disconnected|closed|EIO|ENXIO/i, sentence: "the port was closed; plug the adapter in again" },
];

/** What the kernel says to socket(2), bind(2) and write(2) on the HCI user channel. */
const HCI_SYMPTOMS: readonly Symptom[] = [
  { found: /address family not supported/i, sentence: "this kernel has no Bluetooth; load the module `bluetooth`" },
  { found: /no such device/i, sentence: "there is no such adapter; plug it in, or correct `device`" },
  {
    found: /resource busy|already in use/i,
    sentence: "another program has the adapter (bluetoothd?); stop that program, or give the hub an adapter of its own",
  },
  {
    found: /not permitted|permission denied/i,
    sentence: "this user may not use it; give the hub the capabilities CAP_NET_ADMIN and CAP_NET_RAW",
  },
  { found: /rf-?kill/i, sentence: "the radio is switched off; run `rfkill unblock bluetooth`" },
  { found: /network is down/i, sentence: "the adapter went away; plug it in again" },
];

/** What the system bus and BlueZ say. */
const BLUEZ_SYMPTOMS: readonly Symptom[] = [
  {
    found: /ENOENT|ECONNREFUSED|bus hung up/,
    sentence: "the system bus does not answer; start it (`systemctl start dbus`)",
  },
  {
    found: /ServiceUnknown|NameHasNoOwner|DBus\.Error\.Spawn|NoReply|BlueZ has stopped/,
    sentence: "BlueZ does not run; start it (`systemctl enable --now bluetooth`)",
  },
  {
    found: /AccessDenied|EACCES|authentication failed/,
    sentence: "this user may not use BlueZ; add the hub's user to the group bluetooth",
  },
  { found: /no such adapter|unplugged/, sentence: "BlueZ does not have it; plug it in, or correct `name`" },
  { found: /Blocked|rf-?kill/i, sentence: "the radio is switched off; run `rfkill unblock bluetooth`" },
  { found: /switched off|NotReady/, sentence: "it is switched off; run `bluetoothctl power on`" },
];

const SYMPTOMS = { uart: UART_SYMPTOMS, hci: HCI_SYMPTOMS, bluez: BLUEZ_SYMPTOMS } as const;

/** The adapter cannot be had, as one sentence with the next step. */
export const adapterAbsent = (adapter: BleAdapter | BluezAdapter, cause: unknown): HubError => {
  const found = messageOf(cause);
  const symptoms = SYMPTOMS[adapter.type];
  const known = symptoms.find((one) => one.found.test(found));
  const sentence = known?.sentence ?? `${found}; check the adapter and its configuration`;
  return new HubError("adapter-absent", `Bluetooth adapter ${nameOf(adapter)}: ${sentence}`, { cause });
};

const WEDGED_HINTS = {
  uart: "check `baudRate`, or unplug the adapter and plug it in again",
  hci: "replug it",
  bluez: "replug it, or restart BlueZ (`systemctl restart bluetooth`)",
} as const;

/** The adapter is there and does not do what it was told. */
export const adapterWedged = (adapter: BleAdapter | BluezAdapter, attempted: string, waitedMs: number): HubError => {
  const hint = WEDGED_HINTS[adapter.type];
  return new HubError(
    "adapter-wedged",
    `Bluetooth adapter ${nameOf(adapter)}: no answer to ${attempted} in ${waitedMs / 1000} s; ${hint}`,
  );
};

/** The stack itself cannot be loaded: noble is an optional native part. */
export const stackAbsent = (adapter: BleAdapter, cause: unknown): HubError =>
  new HubError(
    "adapter-absent",
    `Bluetooth adapter ${nameOf(adapter)}: the Bluetooth stack does not load here (${messageOf(cause)}); reinstall the hub's packages on this machine`,
    { cause },
  );

/** What a radio that is not at work says of itself. */
export const adapterIdle = (adapter: BleAdapter | BluezAdapter, word: string): string =>
  `Bluetooth adapter ${nameOf(adapter)}: ${word}; start the hub`;

/** Why a radio in this state can do nothing. */
export const adapterUnusable = (
  adapter: BleAdapter | BluezAdapter,
  state: RadioState,
  trouble: string | null,
): HubError => {
  const code = state === "wedged" ? "adapter-wedged" : "adapter-absent";
  return new HubError(code, trouble ?? adapterIdle(adapter, "not started"));
};

/** A radio does one thing at a time. Throws HubError `invalid-argument` where it is at another. */
export const requireFree = (what: string, isScanning: boolean, isConnecting: boolean): void => {
  if (!isScanning && !isConnecting) return;
  const found = isScanning ? "a scan is running" : "a connection is being made";
  throw new HubError("invalid-argument", `${what}: ${found}; the radio does one thing at a time`);
};
