import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport, type MemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { HubError } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { seconds } from "../../protocol/time.ts";
import { sampleHub } from "../../tests/gateway/support/sample-hub-view.ts";
import { until } from "../../tests/support/until.ts";
import type { DiagnosticCommand } from "./command.ts";
import { runConsoleSession } from "./console-session.ts";
import { hubCommands } from "./hub-commands.ts";
import { createRegistry } from "./registry.ts";
import { createSerialConsole } from "./serial-console.ts";

const PROMPT = "hub-0042 [3 waiting, online]> ";

/** Counts until it is interrupted. */
const counting: DiagnosticCommand = {
  name: "count",
  summary: "counts",
  role: "view",
  async *run(_, signal) {
    yield { tag: "text", text: "started" };
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    yield { tag: "text", text: "never shown" };
  },
};

const shown = (transport: MemoryTransport): string => Buffer.concat(transport.written).toString();

const session = () => {
  const clock = createSimulatedClock();
  const transport = createMemoryTransport(clock);
  const registry = createRegistry([...hubCommands(sampleHub()), counting]);
  const stop = new AbortController();
  const options = { transport, registry, banner: "Hemhub 0.1.0. Type help.", prompt: () => PROMPT };
  const ended = runConsoleSession(options, stop.signal);
  ended.catch(() => undefined);
  const type = (keys: string): void => transport.send(Buffer.from(keys, "latin1"));
  const see = (text: string): Promise<unknown> =>
    until(() => shown(transport).includes(text), `the console shows ${JSON.stringify(text)}`, 3000);
  return { transport, stop, ended, type, see };
};

describe("console session", () => {
  it("greets, echoes, answers and prompts again, with CR LF at each line end", async () => {
    const { transport, type, see } = session();
    await see(`\r\nHemhub 0.1.0. Type help.\r\n${PROMPT}`);
    type("outbox\r");
    await see(`${PROMPT}outbox\r\nwaiting      3, oldest number 4709\r\n`);
    await until(() => shown(transport).endsWith(PROMPT), "the prompt comes back");
    expect(shown(transport).replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("says what an unknown word may mean, and nothing for an empty line", async () => {
    const { transport, type, see } = session();
    type("statsu\r\r");
    await see('Error: unknown command "statsu" (did you mean status?); help lists them\r\n');
    await until(() => shown(transport).endsWith(`${PROMPT}\r\n${PROMPT}`), "an empty line prompts again");
  });

  it("ends a running command with Ctrl-C and goes on", async () => {
    const { transport, type, see } = session();
    type("count\r");
    await see("started");
    type("typed ahead");
    type("\u0003");
    await see(`^C\r\n${PROMPT}`);
    type("help\r");
    await see("sensor list");
    expect(shown(transport)).not.toMatch(/never shown|typed ahead/);
  });

  it("takes what was typed ahead when the command has answered", async () => {
    const { type, see } = session();
    type("link\routbox\r");
    await see("region       mqtts://");
    await see("waiting      3");
  });

  it("ends when the cable is pulled, and when the hub stops", async () => {
    const pulled = session();
    await pulled.see(PROMPT);
    pulled.transport.unplug();
    await pulled.ended;
    const stopped = session();
    await stopped.see(PROMPT);
    stopped.stop.abort();
    await stopped.ended;
  });

  it("ends when the cable is pulled or the hub stops in mid-answer", async () => {
    const pulled = session();
    pulled.type("count\r");
    await pulled.see("started");
    pulled.transport.unplug();
    await expect(pulled.ended).rejects.toMatchObject({ code: "serial-closed" });
    const stopped = session();
    stopped.type("count\r");
    await stopped.see("started");
    stopped.stop.abort();
    await expect(stopped.ended).rejects.toBeDefined();
  });

  it("survives every byte there is", async () => {
    const { transport, type, see } = session();
    transport.send(Uint8Array.from({ length: 1000 }, (_, i) => (i * 167) & 0xff));
    type("\u0003\r");
    await until(() => shown(transport).endsWith(PROMPT), "the prompt is back");
    type("help\r");
    await see("what can be asked");
  });
});

describe("serial console", () => {
  it("says once that the port is absent, tries every five seconds, and serves when it comes", async () => {
    const clock = createSimulatedClock();
    const lines: string[] = [];
    const write = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
    const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
    let transport: MemoryTransport | null = null;
    let attempts = 0;
    const absent = new HubError("serial-absent", "serial port /dev/ttyGS0: not there; connect the cable");
    const console = createSerialConsole({
      path: "/dev/ttyGS0",
      open: async () => {
        attempts += 1;
        if (transport === null) throw absent;
        return transport;
      },
      registry: createRegistry([]),
      banner: "Hemhub",
      prompt: () => PROMPT,
      clock,
      logger,
    });
    const stop = new AbortController();
    const running = console.run(stop.signal);
    await clock.advance(seconds(16));
    expect(attempts).toBe(4);
    expect(lines).toEqual([
      'console not available {"path":"/dev/ttyGS0","code":"serial-absent","reason":"serial port /dev/ttyGS0: not there; connect the cable"}',
    ]);
    expect(console.status()).toEqual({ path: "/dev/ttyGS0", trouble: absent.message });
    const plugged = createMemoryTransport(clock);
    transport = plugged;
    await clock.advance(seconds(5));
    expect(console.status().trouble).toBeNull();
    expect(shown(plugged)).toContain(PROMPT);
    transport = null;
    plugged.unplug();
    await clock.advance(seconds(6));
    expect(console.status().trouble).toBe(absent.message);
    stop.abort();
    await running;
  });
});
