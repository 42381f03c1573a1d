import { type CommandTable, complete, type EventSink } from "./controller-command.ts";
import { eventPacket } from "./h4.ts";
import { COMMAND, EVENT } from "./hci-codes.ts";
import { octets } from "./little-endian.ts";

/** After a reset: 0x00001FFFFFFFFFFF, which leaves LE Meta off, and 0x1F for LE (Core Vol 4 Part E 7.3.1, 7.8.1). */
const DEFAULT_MASK = octets(0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0);
const DEFAULT_LE_MASK = octets(0x1f, 0, 0, 0, 0, 0, 0, 0);

/** Events that no mask holds back (Core Vol 4 Part E 7.3.1). */
const UNMASKABLE: ReadonlySet<number> = new Set([
  EVENT.COMMAND_COMPLETE,
  EVENT.COMMAND_STATUS,
  EVENT.COMPLETED_PACKETS,
]);

/** Bit `number - 1` of a 64-bit mask. */
const isSet = (mask: Uint8Array, number: number): boolean =>
  (((mask[(number - 1) >> 3] ?? 0) >> ((number - 1) & 7)) & 1) === 1;

export interface ControllerEvents extends EventSink {
  readonly commands: CommandTable;
  /** Whether the host has asked for this LE event. */
  wantsLe(subevent: number): boolean;
  reset(): void;
}

/** The way to the host: event packets, as far as its masks let them through. */
export const createControllerEvents = (send: (packet: Uint8Array) => void): ControllerEvents => {
  let mask = DEFAULT_MASK;
  let leMask = DEFAULT_LE_MASK;
  const wanted = (code: number): boolean => UNMASKABLE.has(code) || isSet(mask, code);

  return {
    event: (code, ...parameters) => {
      if (wanted(code)) send(eventPacket(code, octets(...parameters)));
    },
    leEvent: (subevent, ...parameters) => {
      if (wanted(EVENT.LE_META) && isSet(leMask, subevent)) {
        send(eventPacket(EVENT.LE_META, octets(subevent, ...parameters)));
      }
    },
    wantsLe: (subevent) => isSet(leMask, subevent),
    reset: () => {
      mask = DEFAULT_MASK;
      leMask = DEFAULT_LE_MASK;
    },
    commands: new Map([
      [
        COMMAND.SET_EVENT_MASK,
        (parameters) => {
          mask = parameters.take(8);
          return complete();
        },
      ],
      [
        COMMAND.LE_SET_EVENT_MASK,
        (parameters) => {
          leMask = parameters.take(8);
          return complete();
        },
      ],
    ]),
  };
};
