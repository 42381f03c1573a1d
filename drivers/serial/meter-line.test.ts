import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { decoded, malformed } from "../driver.ts";
import { createLineFramer } from "../framer/line.ts";
import { createMeterLine, type Question } from "./meter-line.ts";

const text = (letters: string): Uint8Array => Buffer.from(letters, "latin1");
const lettersOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1").trim();

const start = (write?: Transport["write"]) => {
  const clock = createSimulatedClock();
  const port = createMemoryTransport(clock);
  const stop = new AbortController();
  const log: string[] = [];
  const line = createMeterLine({
    transport: write === undefined ? port : { ...port, write },
    createFramer: () => createLineFramer(),
    recognise: (frame) => (lettersOf(frame) === "HERE" ? "call" : lettersOf(frame) === "REST" ? "own" : "foreign"),
    watch: {
      readable: () => log.push("readable"),
      unreadable: async (raw) => {
        log.push(`unreadable ${raw.length}`);
      },
      malformed: async () => undefined,
    },
    clock,
    time: clock,
    signal: stop.signal,
  });
  return { clock, port, line, log, stop };
};

/** A question that is answered with `ok` and a word. */
const QUESTION: Question<string> = {
  bytes: text("?\n"),
  understand: (frame) => {
    const word = lettersOf(frame);
    if (word === "other") return null;
    return word.startsWith("ok ") ? decoded(word.slice(3)) : malformed("format", "no answer");
  },
};

describe("a question to a meter", () => {
  it("passes over frames that are no answer, and says when it was asked and answered", async () => {
    const { clock, port, line, log } = start();
    const answer = line.ask(QUESTION);
    await clock.advance(millis(30));
    port.send(text("other\r\nok 1\r\n"));
    await clock.advance(millis(1));
    expect(await answer).toMatchObject({ record: "1", asked: { monoMs: 0 }, answered: { monoMs: 30 } });
    expect(log).toEqual(["readable"]);
  });

  it("is asked three times and then given up", async () => {
    const { clock, port, line } = start();
    const answer = line.ask(QUESTION);
    await clock.advance(seconds(4));
    expect(await answer).toBeNull();
    expect(port.written).toHaveLength(3);
    expect(clock.elapsed()).toBe(4000);
  });

  it("is asked again at once when its answer makes no sense, and listens until a late one has passed", async () => {
    const { clock, port, line, log } = start();
    const answer = line.ask(QUESTION);
    await clock.advance(millis(10));
    port.send(text("ok? 1\r\n"));
    await clock.advance(millis(10));
    expect(port.written).toHaveLength(2);
    port.send(text("ok 2\r\n"));
    await clock.advance(millis(50));
    port.send(text("ok 1 late\r\n"));
    await clock.advance(millis(200));
    expect(await answer).toMatchObject({ record: "2" });
    const next = line.ask(QUESTION);
    await clock.advance(millis(10));
    port.send(text("ok 3\r\n"));
    await clock.advance(millis(10));
    expect(await next).toMatchObject({ record: "3" });
    expect(log[0]).toBe("unreadable 7");
  });

  it("waits for a frame that comes slowly, and not for one that never ends", async () => {
    const { clock, port, line } = start();
    const answer = line.ask({ ...QUESTION, attempts: 1 });
    for (const letter of "ok slow\r\n") {
      await clock.advance(millis(900));
      port.send(text(letter));
    }
    await clock.advance(millis(1));
    expect(await answer).toMatchObject({ record: "slow" });

    const never = line.ask({ ...QUESTION, attempts: 1 });
    for (let second = 0; second < 40; second++) {
      port.send(text("x"));
      await clock.advance(millis(900));
    }
    expect(await never).toBeNull();
  });

  it("fails when the port takes no bytes, and leaves no timer behind when it does", async () => {
    const hanging = start(
      (_channel, _bytes, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
        ),
    );
    const answer = hanging.line.ask(QUESTION);
    const failed = expect(answer).rejects.toMatchObject({ code: "serial-closed" });
    await hanging.clock.advance(seconds(11));
    await failed;

    const { clock, line } = start();
    await line.say(text("!"));
    await clock.advance(millis(1));
    expect(clock.sleeping).toBe(0);
  });

  it("ends with the connection, or with the signal's reason", async () => {
    const one = start();
    const gone = expect(one.line.ask(QUESTION)).rejects.toMatchObject({ code: "serial-closed" });
    await one.clock.advance(millis(10));
    one.port.unplug();
    await gone;
    const other = start();
    const stopped = expect(other.line.ask(QUESTION)).rejects.toThrow("stopped by the test");
    await other.clock.advance(millis(10));
    other.stop.abort(new Error("stopped by the test"));
    await stopped;
  });
});

describe("a line at rest", () => {
  it("is over when the meter calls, or when it has rested", async () => {
    const { clock, port, line } = start();
    const called = line.idle(seconds(60));
    await clock.advance(seconds(5));
    port.send(text("HERE\r\n"));
    await clock.advance(millis(1));
    expect(await called).toBe(true);
    expect(line.wasCalled()).toBe(true);
    expect(line.wasCalled()).toBe(false);
    const rested = line.idle(seconds(60));
    await clock.advance(seconds(61));
    expect(await rested).toBe(false);
  });

  it("counts what no meter of this kind says, and not the rest of a late answer", async () => {
    const { clock, port, line, log } = start();
    const rested = line.idle(seconds(10));
    await clock.advance(millis(10));
    port.send(text("REST\r\nwhat?\r\n"));
    await clock.advance(millis(10));
    port.send(Uint8Array.of(0xff, 0xff));
    await clock.advance(seconds(11));
    await rested;
    expect(log).toEqual(["unreadable 7", "unreadable 2"]);
  });
});
