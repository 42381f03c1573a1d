import { addressOctets, addressTypeOctet } from "./address.ts";
import type { Heard, Tuner } from "./air.ts";
import { type Answer, type CommandTable, complete, type EventSink, failed } from "./controller-command.ts";
import { COMMAND, LE_EVENT, STATUS } from "./hci-codes.ts";
import { le16 } from "./little-endian.ts";

/** Event types of LE Advertising Report (Core Vol 4 Part E 7.7.65.2). */
const REPORT = { ADV_IND: 0, ADV_SCAN_IND: 2, ADV_NONCONN_IND: 3, SCAN_RSP: 4 } as const;
/** Event type bits of LE Extended Advertising Report (7.7.65.13). */
const EXTENDED = { CONNECTABLE: 0x01, SCANNABLE: 0x02, SCAN_RESPONSE: 0x08, LEGACY: 0x10 } as const;

const PHY_1M = 0x01;
const NO_SET_ID = 0xff;
const TX_POWER_UNKNOWN = 0x7f;

const legacyType = ({ tag, connectable, scannable }: Heard): number => {
  if (tag === "scan-response") return REPORT.SCAN_RSP;
  if (connectable) return REPORT.ADV_IND;
  return scannable ? REPORT.ADV_SCAN_IND : REPORT.ADV_NONCONN_IND;
};

const extendedType = ({ tag, connectable, scannable }: Heard): number =>
  EXTENDED.LEGACY |
  (connectable ? EXTENDED.CONNECTABLE : 0) |
  (scannable ? EXTENDED.SCANNABLE : 0) |
  (tag === "scan-response" ? EXTENDED.SCAN_RESPONSE : 0);

export interface ControllerScan {
  readonly commands: CommandTable;
  heard(packet: Heard): void;
  reset(): void;
}

/** Most devices that one scan remembers as already reported; above it the oldest are reported again. */
const MAX_REMEMBERED = 256;

/** Scanning, with the reports and the duplicate filter of legacy and of extended commands. */
export const createControllerScan = (tuner: Tuner, events: EventSink): ControllerScan => {
  let active = false;
  let scanning = false;
  let extended = false;
  let filtering = false;
  const reported = new Set<string>();

  const isRepeated = (packet: Heard): boolean => {
    const key = `${packet.from.type} ${packet.from.address} ${packet.tag}`;
    if (reported.has(key)) return true;
    for (const oldest of reported) {
      if (reported.size < MAX_REMEMBERED) break;
      reported.delete(oldest);
    }
    reported.add(key);
    return false;
  };

  const setParameters = (isActive: boolean): Answer => {
    if (scanning) return failed(STATUS.DISALLOWED);
    active = isActive;
    return complete();
  };

  const enable = (on: boolean, filter: boolean, isExtended: boolean): Answer => {
    scanning = on;
    extended = isExtended;
    filtering = filter;
    reported.clear();
    if (!on) tuner.scan("off");
    else tuner.scan(active ? "active" : "passive");
    return complete();
  };

  const reportLegacy = (packet: Heard): void =>
    events.leEvent(
      LE_EVENT.ADVERTISING_REPORT,
      1,
      legacyType(packet),
      addressTypeOctet(packet.from),
      addressOctets(packet.from),
      packet.data.length,
      packet.data,
      packet.rssiDbm,
    );

  const reportExtended = (packet: Heard): void =>
    events.leEvent(
      LE_EVENT.EXTENDED_ADVERTISING_REPORT,
      1,
      le16(extendedType(packet)),
      addressTypeOctet(packet.from),
      addressOctets(packet.from),
      PHY_1M,
      0,
      NO_SET_ID,
      TX_POWER_UNKNOWN,
      packet.rssiDbm,
      le16(0),
      new Uint8Array(7),
      packet.data.length,
      packet.data,
    );

  return {
    heard: (packet) => {
      if (filtering && isRepeated(packet)) return;
      if (extended) reportExtended(packet);
      else reportLegacy(packet);
    },
    reset: () => {
      active = false;
      enable(false, false, false);
    },
    commands: new Map([
      [COMMAND.LE_SET_SCAN_PARAMETERS, (parameters) => setParameters(parameters.u8() === 1)],
      [COMMAND.LE_SET_SCAN_ENABLE, (parameters) => enable(parameters.u8() === 1, parameters.u8() === 1, false)],
      [
        COMMAND.LE_SET_EXTENDED_SCAN_PARAMETERS,
        (parameters) => {
          // Own address type, filter policy, PHYs, then type, interval and window of each PHY (7.8.64).
          parameters.take(3);
          return setParameters(parameters.u8() === 1);
        },
      ],
      [COMMAND.LE_SET_EXTENDED_SCAN_ENABLE, (parameters) => enable(parameters.u8() === 1, parameters.u8() > 0, true)],
    ]),
  };
};
