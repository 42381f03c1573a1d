import type { Clock } from "../../protocol/ports/clock.ts";
import type { RadioAddress } from "../radio/address.ts";
import type { PeripheralLink, PeripheralSession } from "../radio/air-link.ts";
import { CHANNEL } from "../radio/hci-codes.ts";
import { octets } from "../radio/little-endian.ts";
import type { SmpResponder } from "../radio/smp/smp-port.ts";
import type { GattConnection, GattFaults, LinkSecurity, Subscription } from "./gatt-connection.ts";
import type { GattServer } from "./gatt-server.ts";

/** Pairing Failed, Pairing Not Supported (Core Vol 3 Part H 3.5.5). */
const PAIRING_NOT_SUPPORTED = octets(0x05, 0x05);

/** A connected central, as a device's behaviour sees it. */
export interface PeripheralConnection {
  readonly link: PeripheralLink;
  readonly gatt: GattConnection;
  readonly security: LinkSecurity;
  /** Aborts when the link is gone; the reason is the HCI error code. */
  readonly over: AbortSignal;
}

export interface PeripheralOptions {
  readonly gatt: GattServer;
  readonly clock: Clock;
  readonly own: RadioAddress;
  readonly mtu?: number;
  readonly faults?: GattFaults;
  readonly smp?: SmpResponder;
  connected(connection: PeripheralConnection): void;
  subscribed?(uuid: string, subscription: Subscription): void;
  /** The link has become encrypted, or a bond was made on it. */
  secured?(): void;
}

/** Puts a GATT server, and a security responder where there is one, behind a radio link. */
export const acceptLink = (link: PeripheralLink, options: PeripheralOptions): PeripheralSession => {
  const ended = new AbortController();
  const secured = (): void => {
    gatt.restore();
    options.secured?.();
  };
  const smp = options.smp?.connect(link, options.own, secured) ?? null;
  const security = (): LinkSecurity => ({
    encrypted: link.encrypted,
    ...(smp?.security ?? { authenticated: false, bond: null }),
  });
  const { mtu, faults, subscribed } = options;
  const gatt: GattConnection = options.gatt.connect({
    clock: options.clock,
    security,
    send: (pdu) => link.send(CHANNEL.ATT, pdu),
    ...(mtu === undefined ? {} : { mtu }),
    ...(faults === undefined ? {} : { faults }),
    ...(subscribed === undefined ? {} : { subscribed }),
  });
  options.connected({
    link,
    gatt,
    get security() {
      return security();
    },
    over: ended.signal,
  });

  return {
    receive: (channel, payload) => {
      if (channel === CHANNEL.ATT) gatt.receive(payload);
      else if (channel !== CHANNEL.SMP) return;
      else if (smp !== null) smp.receive(payload);
      // A failure is never answered with a failure.
      else if (payload[0] !== PAIRING_NOT_SUPPORTED[0]) link.send(CHANNEL.SMP, PAIRING_NOT_SUPPORTED);
    },
    keyFor: (request) => smp?.keyFor(request) ?? null,
    encrypted: () => {
      smp?.encrypted();
      secured();
    },
    closed: (reason) => {
      gatt.close();
      smp?.closed();
      ended.abort(reason);
    },
  };
};
