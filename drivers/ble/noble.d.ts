/**
 * The parts of noble 2.8.0's HCI binding that the hub touches. noble types only its public face; its binding is
 * untyped. Members with an underscore are internal to noble, which is why its version is pinned exactly.
 */
declare module "noble/lib/hci-socket/bindings.js" {
  import type { EventEmitter } from "node:events";

  namespace NobleBindings {
    interface Options {
      readonly hciDriver: "uart" | "native";
      readonly deviceId?: number;
      readonly userChannel?: boolean;
      readonly bindParams?: { readonly uart: { readonly port: string; readonly baudRate: number } };
    }

    interface ConnectParameters {
      readonly addressType: "public" | "random";
      readonly minInterval: number;
      readonly maxInterval: number;
      readonly latency: number;
      readonly timeout: number;
      readonly mtu: number;
    }

    interface Socket extends EventEmitter {
      bindUser(deviceId: unknown, parameters: unknown, mode?: unknown): unknown;
      write(packet: Buffer): void;
      /** uart: listener on the process's `exit`. */
      _exitHandler?: () => void;
      /** uart: the SerialPort. */
      _serialDevice?: Port;
    }

    interface Port extends EventEmitter {
      /** False also while it is closing. */
      readonly isOpen: boolean;
      readonly opening: boolean;
      readonly closing: boolean;
      close(): void;
    }

    interface Hci extends EventEmitter {
      readonly address?: string;
      readonly _socket: Socket;
      _pendingLeConn: unknown;
      onSocketData(packet: Buffer): void;
      disconnect(handle: number): void;
      startLeEncryption(handle: number, random: Buffer, diversifier: Buffer, key: Buffer): void;
    }

    interface Layer {
      onAclStreamEnd(): void;
    }

    interface Signaling extends Layer {
      _userChannel: boolean;
      onAclStreamData(cid: number, pdu: Buffer): void;
    }

    interface AclStream extends EventEmitter {
      readonly _smp: Layer;
      write(cid: number, pdu: Buffer): void;
    }
  }

  interface NobleBindings extends EventEmitter {
    _hci: NobleBindings.Hci | null;
    _state: string | null;
    _isScanning: boolean;
    _isScanningStarted: boolean;
    _connectionQueue: { readonly id: string }[];
    _pendingConnectionUuid: string | null;
    _pendingConnectionAddress: string | null;
    _pendingConnectionToken: unknown;
    _cancelledConnectionUuid: string | null;
    /** Connection handle by peer id, and peer id by connection handle. */
    readonly _handles: Record<string | number, string | number | undefined>;
    readonly _gatts: Record<number, NobleBindings.Layer | undefined>;
    readonly _signalings: Record<number, NobleBindings.Signaling | undefined>;
    readonly _aclStreams: Record<number, NobleBindings.AclStream | undefined>;
    readonly _addresses: Record<string, string>;
    readonly _addresseTypes: Record<string, string>;
    readonly _connectable: Record<string, boolean>;
    readonly scannable: Record<string, boolean>;
    readonly _sigIntHandler?: () => void;
    readonly _exitHandler?: () => void;
    onStateChange(state: string): void;
    onDisconnComplete(handle: number, reason: number): void;
    start(): void;
    stop(): void;
    startScanning(services: readonly string[], allowDuplicates: boolean): void;
    stopScanning(): void;
    connect(id: string, parameters: NobleBindings.ConnectParameters): void;
    cancelConnect(id: string): void;
  }

  const NobleBindings: new (options: NobleBindings.Options) => NobleBindings;
  export = NobleBindings;
}
