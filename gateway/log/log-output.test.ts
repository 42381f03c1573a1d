import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { millis } from "../../protocol/time.ts";
import { createLogOutput, type LogFile } from "./log-output.ts";

/** A reader that takes at most `room` bytes a write, is full at 0, and is gone at -1. */
const reader = () => {
  let room = Number.MAX_SAFE_INTEGER;
  let text = "";
  let writes = 0;
  const take = (bytes: Uint8Array): number => {
    writes += 1;
    if (room < 0) throw Object.assign(new Error("EPIPE"), { code: "EPIPE" });
    if (room === 0) throw Object.assign(new Error("EAGAIN"), { code: "EAGAIN" });
    const part = bytes.subarray(0, room);
    text += Buffer.from(part).toString("latin1");
    return part.length;
  };
  const file: LogFile = {
    write: (_fd, bytes, done) => {
      setImmediate(() => {
        try {
          done(null, take(bytes));
        } catch (thrown) {
          done(thrown as NodeJS.ErrnoException, 0);
        }
      });
    },
    writeSync: (_fd, bytes) => take(bytes),
  };
  return {
    file,
    text: () => text,
    writes: () => writes,
    setRoom: (bytes: number) => {
      room = bytes;
    },
  };
};

const setUp = () => {
  const clock = createSimulatedClock();
  const to = reader();
  return { clock, to, output: createLogOutput(1, clock, to.file) };
};

describe("log output", () => {
  it("writes lines in order, many in one write", async () => {
    const { output, to } = setUp();
    for (let i = 0; i < 1000; i++) output.write(`line ${i}\n`);
    await output.flush();
    expect(to.text()).toBe(Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join(""));
    expect(to.writes()).toBeLessThan(5);
  });

  it("goes on where a write took only a part", async () => {
    const { output, to } = setUp();
    to.setRoom(7);
    output.write("a line of some length\n");
    output.write("and another\n");
    await output.flush();
    expect(to.text()).toBe("a line of some length\nand another\n");
  });

  it("waits for a slow reader with bounded memory, and tells it how many lines it did not see", async () => {
    const { output, to, clock } = setUp();
    to.setRoom(0);
    const line = `${"x".repeat(999)}\n`;
    for (let i = 0; i < 2000; i++) output.write(line);
    await clock.advance(millis(500));
    expect(to.text()).toBe("");
    to.setRoom(Number.MAX_SAFE_INTEGER);
    await clock.advance(millis(100));
    await output.flush();
    const lines = to.text().trimEnd().split("\n");
    expect(lines).toHaveLength(1049);
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual({
      level: "warn",
      time: expect.stringMatching(/^2026-/),
      count: 952,
      msg: "log lines dropped",
    });
  });

  it("forgets everything when nobody reads any more, and neither waits nor throws", async () => {
    const { output, to } = setUp();
    to.setRoom(-1);
    output.write("into the void\n");
    await output.flush();
    output.write("again\n");
    await output.flush();
    output.flushNow();
    expect(to.writes()).toBe(1);
  });

  it("writes at the very end what a reader takes at once, and never waits for one that is full", () => {
    const { output, to } = setUp();
    output.write("last words\n");
    output.flushNow();
    expect(to.text()).toBe("last words\n");
    to.setRoom(0);
    output.write("nobody has room\n");
    output.flushNow();
    expect(to.text()).toBe("last words\n");
  });
});
