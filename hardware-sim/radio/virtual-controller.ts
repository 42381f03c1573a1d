import type { RadioAddress } from "./address.ts";
import type { Air } from "./air.ts";
import { type Answer, type Command, complete, failed } from "./controller-command.ts";
import { createControllerEvents } from "./controller-events.ts";
import { type ControllerIdentity, informationCommands } from "./controller-information.ts";
import { createControllerLinks } from "./controller-links.ts";
import { createControllerScan } from "./controller-scan.ts";
import { createHostPacketParser, type HostPacket } from "./h4.ts";
import { COMMAND, EVENT, STATUS } from "./hci-codes.ts";
import { createFieldReader, le16 } from "./little-endian.ts";

/** Advertising is not reported while more than this waits for the host: a slow host loses reports, never data. */
const MAX_BACKLOG_FOR_REPORTS = 8 * 1024;
/** The controller can take one more command at any time. */
const COMMAND_CREDITS = 1;

/** A serial line to the host; a Pty is one. */
export interface HostLine {
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Bytes accepted that the host's side has not taken. */
  readonly waiting: number;
  write(bytes: Uint8Array): Promise<unknown>;
}

export interface VirtualControllerOptions {
  readonly line: HostLine;
  readonly air: Air;
  /** Its public address. */
  readonly address: RadioAddress;
  /** ACL payload that one packet from the host may carry: 27 to 251. Default 251. */
  readonly aclOctets?: number;
  /** How many of those the host may send ahead. Default 8. */
  readonly aclPackets?: number;
  /** Offer extended advertising (LE feature bit 12), which makes a host use the extended commands. Default false. */
  readonly extended?: boolean;
}

/** A Bluetooth LE controller in the central role, on a serial line with the UART transport (H4). */
export interface VirtualController extends AsyncDisposable {
  readonly links: number;
  readonly scanning: boolean;
  /** Commands that it does not know and so refused, as opcodes, each once. */
  readonly unknownCommands: ReadonlySet<number>;
  /** Settles when the line has ended: rejects where reading it failed. */
  readonly ended: Promise<void>;
  /** A firmware that hangs: takes every byte and answers nothing until it is woken. Links stay up. */
  wedge(wedged: boolean): void;
  /** Stops listening to the line and drops all links. Does not close the line. Idempotent. */
  close(): Promise<void>;
}

export const createVirtualController = (options: VirtualControllerOptions): VirtualController => {
  const { line, air, address } = options;
  const identity: ControllerIdentity = {
    address,
    aclOctets: options.aclOctets ?? 251,
    aclPackets: options.aclPackets ?? 8,
    extended: options.extended ?? false,
    chance: air.chance.fork(`controller ${address.address}`),
  };
  const parser = createHostPacketParser();
  const unknownCommands = new Set<number>();
  let wedged = false;
  let closed = false;
  let scanning = false;

  const send = (packet: Uint8Array): void => {
    // A line that is closed or that nobody listens to drops the packet, as a UART does.
    if (!wedged && !closed) void line.write(packet);
  };

  const tuner = air.tune({
    address,
    heard: (packet) => {
      if (line.waiting < MAX_BACKLOG_FOR_REPORTS) scan.heard(packet);
    },
  });
  const events = createControllerEvents(send);
  const scan = createControllerScan(
    {
      ...tuner,
      scan: (mode) => {
        scanning = mode !== "off";
        tuner.scan(mode);
      },
    },
    events,
  );
  const links = createControllerLinks({ tuner, events, extended: identity.extended, send });

  const reset: Command = () => {
    scan.reset();
    links.reset();
    events.reset();
    return complete();
  };
  const commands: ReadonlyMap<number, Command> = new Map([
    ...informationCommands(identity),
    ...events.commands,
    ...scan.commands,
    ...links.commands,
    [COMMAND.RESET, reset],
  ]);

  const answerTo = (opcode: number, parameters: Uint8Array): Answer => {
    const command = commands.get(opcode);
    if (command === undefined) {
      unknownCommands.add(opcode);
      return failed(STATUS.UNKNOWN_COMMAND);
    }
    try {
      return command(createFieldReader(parameters));
    } catch (thrown) {
      if (thrown instanceof RangeError) return failed(STATUS.INVALID_PARAMETERS);
      throw thrown;
    }
  };

  const obey = (opcode: number, parameters: Uint8Array): void => {
    const answer = answerTo(opcode, parameters);
    const { tag, status, result } = answer;
    if (tag === "complete") events.event(EVENT.COMMAND_COMPLETE, COMMAND_CREDITS, le16(opcode), status, result);
    else events.event(EVENT.COMMAND_STATUS, status, COMMAND_CREDITS, le16(opcode));
    answer.after();
  };

  const handle = (packet: HostPacket): void => {
    if (packet.tag === "command") obey(packet.opcode, packet.parameters);
    else links.transmit(packet.handle, packet);
  };

  const listen = async (): Promise<void> => {
    for await (const chunk of line.incoming) {
      if (closed) return;
      for (const packet of parser.push(chunk)) if (!wedged) handle(packet);
    }
  };
  const ended = listen();

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    scan.reset();
    links.reset();
    tuner.leave();
  };

  return {
    get links() {
      return links.count;
    },
    get scanning() {
      return scanning;
    },
    unknownCommands,
    ended,
    wedge: (on) => {
      wedged = on;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
