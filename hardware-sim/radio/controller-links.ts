import { addressFrom, addressOctets, addressTypeOctet, type RadioAddress, sameAddress } from "./address.ts";
import type { Tuner } from "./air.ts";
import type { CentralLink, ConnectionParameters } from "./air-link.ts";
import {
  type Answer,
  accepted,
  type Command,
  type CommandTable,
  complete,
  completeThen,
  type EventSink,
  failed,
  refused,
} from "./controller-command.ts";
import { DATA_LENGTH, leFeatures, NO_COMPANY } from "./controller-information.ts";
import { aclPacket } from "./h4.ts";
import { COMMAND, EVENT, LE_EVENT, STATUS } from "./hci-codes.ts";
import { createReassembler, type Fragment, fragmentsOf, type Reassembler } from "./l2cap.ts";
import { type FieldReader, le16 } from "./little-endian.ts";

/** The first handle; the range is 0x0000 to 0x0EFF (Core Vol 4 Part E 5.4.2). */
const FIRST_HANDLE = 0x0040;
const LAST_HANDLE = 0x0eff;
const CENTRAL = 0;
const CLOCK_ACCURACY_50_PPM = 5;

interface Link {
  readonly handle: number;
  readonly air: CentralLink;
  readonly inbound: Reassembler;
  /** Longest fragment towards the host: the link's data length. */
  octets: number;
}

export interface ControllerLinks {
  readonly commands: CommandTable;
  readonly count: number;
  /** An ACL packet from the host. */
  transmit(handle: number, fragment: Fragment): void;
  /** Drops every link without telling the host, which asked for a reset. */
  reset(): void;
}

export interface ControllerLinksOptions {
  readonly tuner: Tuner;
  readonly events: EventSink & { wantsLe(subevent: number): boolean };
  readonly extended: boolean;
  send(packet: Uint8Array): void;
}

/** Connections of a controller in the central role, from the initiating command to the disconnection. */
export const createControllerLinks = ({ tuner, events, extended, send }: ControllerLinksOptions): ControllerLinks => {
  const links = new Map<number, Link>();
  let nextHandle = FIRST_HANDLE;
  let initiating = false;

  const takeHandle = (): number => {
    while (links.has(nextHandle)) nextHandle += 1;
    const handle = nextHandle;
    nextHandle = handle >= LAST_HANDLE ? FIRST_HANDLE : handle + 1;
    return handle;
  };

  const announce = (status: number, handle: number, peer: RadioAddress, parameters: ConnectionParameters): void => {
    const enhanced = events.wantsLe(LE_EVENT.ENHANCED_CONNECTION_COMPLETE);
    events.leEvent(
      enhanced ? LE_EVENT.ENHANCED_CONNECTION_COMPLETE : LE_EVENT.CONNECTION_COMPLETE,
      status,
      le16(handle),
      CENTRAL,
      addressTypeOctet(peer),
      addressOctets(peer),
      enhanced ? new Uint8Array(12) : [],
      le16(parameters.interval),
      le16(parameters.latency),
      le16(parameters.timeout),
      status === STATUS.SUCCESS ? CLOCK_ACCURACY_50_PPM : 0,
    );
  };

  const initiate = (peer: RadioAddress, parameters: ConnectionParameters): Answer => {
    if (initiating) return refused(STATUS.DISALLOWED);
    if ([...links.values()].some(({ air }) => sameAddress(air.peripheral, peer))) {
      return refused(STATUS.CONNECTION_EXISTS);
    }
    return accepted(() => {
      initiating = true;
      tuner.initiate(peer, parameters, (air) => {
        initiating = false;
        const handle = takeHandle();
        const link: Link = { handle, air, inbound: createReassembler(), octets: DATA_LENGTH.MIN_OCTETS };
        links.set(handle, link);
        announce(STATUS.SUCCESS, handle, peer, parameters);
        return {
          receive: (channel, payload) => {
            for (const { boundary, data } of fragmentsOf({ channel, payload }, link.octets)) {
              send(aclPacket(handle, boundary, data));
            }
          },
          closed: (reason) => {
            if (links.delete(handle)) {
              events.event(EVENT.DISCONNECTION_COMPLETE, STATUS.SUCCESS, le16(handle), reason);
            }
          },
        };
      });
    });
  };

  const createConnection: Command = (parameters) => {
    // Scan interval and window, filter policy; peer; own address type; minimum interval (7.8.12).
    parameters.take(5);
    const peer = addressFrom(parameters.u8(), parameters.take(6));
    parameters.take(3);
    return initiate(peer, { interval: parameters.u16(), latency: parameters.u16(), timeout: parameters.u16() });
  };

  const extendedCreateConnection: Command = (parameters) => {
    // Filter policy, own address type; peer; PHYs, scan interval and window, minimum interval (7.8.66).
    parameters.take(2);
    const peer = addressFrom(parameters.u8(), parameters.take(6));
    parameters.take(7);
    return initiate(peer, { interval: parameters.u16(), latency: parameters.u16(), timeout: parameters.u16() });
  };

  const cancel: Command = () => {
    if (!tuner.cancel()) return failed(STATUS.DISALLOWED);
    initiating = false;
    const nobody: RadioAddress = { address: "00:00:00:00:00:00", type: "public" };
    return completeThen(() => announce(STATUS.UNKNOWN_CONNECTION, 0, nobody, { interval: 0, latency: 0, timeout: 0 }));
  };

  /** A command that names a link and answers with its handle in Command Complete. */
  const onLink =
    (run: (link: Link, parameters: FieldReader) => Answer): Command =>
    (parameters) => {
      const handle = parameters.u16();
      const link = links.get(handle);
      return link === undefined ? failed(STATUS.UNKNOWN_CONNECTION, le16(handle)) : run(link, parameters);
    };

  /** A command that names a link and answers with Command Status. */
  const startOnLink =
    (run: (link: Link, parameters: FieldReader) => () => void): Command =>
    (parameters) => {
      const link = links.get(parameters.u16());
      return link === undefined ? refused(STATUS.UNKNOWN_CONNECTION) : accepted(run(link, parameters));
    };

  const setDataLength = (link: Link, parameters: FieldReader): Answer => {
    const wanted = parameters.u16();
    const time = parameters.u16();
    if (wanted < DATA_LENGTH.MIN_OCTETS || wanted > DATA_LENGTH.MAX_OCTETS || time < DATA_LENGTH.MIN_TIME) {
      return failed(STATUS.INVALID_PARAMETERS, le16(link.handle));
    }
    const changed = link.octets !== wanted;
    link.octets = wanted;
    return completeThen(() => {
      if (!changed) return;
      // 8 microseconds an octet, and 14 octets of preamble, address, header, MIC and CRC (Core Vol 6 Part B 4.5.10).
      const sizes = [...le16(wanted), ...le16((wanted + 14) * 8)];
      events.leEvent(LE_EVENT.DATA_LENGTH_CHANGE, le16(link.handle), sizes, sizes);
    }, le16(link.handle));
  };

  const startEncryption = (link: Link, parameters: FieldReader): (() => void) => {
    const rand = parameters.take(8);
    const ediv = parameters.u16();
    const key = parameters.take(16);
    return () =>
      link.air.startEncryption({ rand, ediv }, key, (status, refreshed) => {
        if (refreshed) events.event(EVENT.KEY_REFRESH_COMPLETE, status, le16(link.handle));
        else events.event(EVENT.ENCRYPTION_CHANGE, status, le16(link.handle), status === STATUS.SUCCESS ? 1 : 0);
      });
  };

  const update = (link: Link, parameters: FieldReader): (() => void) => {
    parameters.take(2);
    const next = { interval: parameters.u16(), latency: parameters.u16(), timeout: parameters.u16() };
    return () => {
      link.air.update(next);
      events.leEvent(
        LE_EVENT.CONNECTION_UPDATE_COMPLETE,
        STATUS.SUCCESS,
        le16(link.handle),
        le16(next.interval),
        le16(next.latency),
        le16(next.timeout),
      );
    };
  };

  return {
    get count() {
      return links.size;
    },
    transmit: (handle, fragment) => {
      const link = links.get(handle);
      if (link === undefined) return;
      const frame = link.inbound.push(fragment);
      events.event(EVENT.COMPLETED_PACKETS, 1, le16(handle), le16(1));
      if (frame !== null) link.air.send(frame.channel, frame.payload);
    },
    reset: () => {
      tuner.cancel();
      initiating = false;
      const dropped = [...links.values()];
      links.clear();
      for (const { air } of dropped) air.disconnect(STATUS.CONNECTION_TIMEOUT);
    },
    commands: new Map<number, Command>([
      [COMMAND.LE_CREATE_CONNECTION, createConnection],
      ...(extended ? ([[COMMAND.LE_EXTENDED_CREATE_CONNECTION, extendedCreateConnection]] as const) : []),
      [COMMAND.LE_CREATE_CONNECTION_CANCEL, cancel],
      [COMMAND.READ_RSSI, onLink(({ handle, air }) => complete(le16(handle), air.rssi()))],
      [COMMAND.LE_SET_DATA_LENGTH, onLink(setDataLength)],
      [COMMAND.LE_START_ENCRYPTION, startOnLink(startEncryption)],
      [COMMAND.LE_CONNECTION_UPDATE, startOnLink(update)],
      [
        COMMAND.DISCONNECT,
        startOnLink((link, parameters) => {
          const reason = parameters.u8();
          return () => link.air.disconnect(reason);
        }),
      ],
      [
        COMMAND.LE_READ_REMOTE_FEATURES,
        startOnLink(
          ({ handle }) =>
            () =>
              events.leEvent(LE_EVENT.REMOTE_FEATURES, STATUS.SUCCESS, le16(handle), leFeatures(false)),
        ),
      ],
      [
        COMMAND.READ_REMOTE_VERSION,
        startOnLink(
          ({ handle }) =>
            () =>
              events.event(EVENT.REMOTE_VERSION, STATUS.SUCCESS, le16(handle), 0x09, le16(NO_COMPANY), le16(0)),
        ),
      ],
    ]),
  };
};
