import { spawn } from "node:child_process";
import { constants, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { SerialPort } from "serialport";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../tests/support/until.ts";
import { childStdio } from "./child-stdio.ts";
import { openPty, type Pty, type PtyOptions } from "./pty.ts";

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

const cleanUp: (() => Promise<void>)[] = [];

const line = async (options?: PtyOptions): Promise<Pty> => {
  const pty = await openPty(options);
  cleanUp.push(() => pty.close());
  return pty;
};

const reader = async (path: string): Promise<SerialPort> => {
  const port = new SerialPort({ path, baudRate: 115_200, autoOpen: false });
  port.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
  cleanUp.push(() => closed(port));
  return port;
};

const closed = (port: SerialPort): Promise<void> =>
  new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));

const collect = (port: SerialPort): { bytes: Buffer } => {
  const seen = { bytes: Buffer.alloc(0) };
  port.on("data", (chunk: Buffer) => {
    seen.bytes = Buffer.concat([seen.bytes, chunk]);
  });
  return seen;
};

const take = async (pty: Pty, count: number): Promise<Buffer> => {
  let bytes = Buffer.alloc(0);
  for await (const chunk of pty.incoming) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= count) break;
  }
  return bytes;
};

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

describe("pseudo terminal", () => {
  it("carries all 256 byte values unchanged towards the reader", async () => {
    const pty = await line();
    const seen = collect(await reader(pty.path));
    expect(await pty.write(everyByte)).toBe("written");
    await until(() => seen.bytes.length >= 256, "256 bytes arrived");
    expect(seen.bytes).toEqual(Buffer.from(everyByte));
  });

  it("carries all 256 byte values unchanged from the reader, without echo", async () => {
    const pty = await line();
    const port = await reader(pty.path);
    const seen = collect(port);
    port.write(Buffer.from(everyByte));
    expect(await take(pty, 256)).toEqual(Buffer.from(everyByte));
    expect(seen.bytes.length).toBe(0);
  });

  it("delivers a burst larger than any kernel buffer in order", async () => {
    const pty = await line();
    const seen = collect(await reader(pty.path));
    const burst = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
    expect(await pty.write(burst)).toBe("written");
    await until(() => seen.bytes.length >= burst.length, "the burst arrived");
    expect(seen.bytes.equals(burst)).toBe(true);
  });

  it("makes the writer wait while the reader does not read, and drops what exceeds the bound", async () => {
    const pty = await line({ unread: "keep" });
    const slow = pty.write(new Uint8Array(200_000));
    expect(pty.waiting).toBeGreaterThan(100_000);
    expect(await pty.write(new Uint8Array(200_000))).toBe("dropped");
    await pty.close();
    expect(await slow).toBe("dropped");
  });

  it("drops what is sent while nobody listens, so that the next reader starts on a clean line", async () => {
    const pty = await line();
    expect(await pty.write(everyByte)).toBe("dropped");
    const first = await reader(pty.path);
    const firstSaw = collect(first);
    expect(await pty.write(Buffer.from("one"))).toBe("written");
    await until(() => firstSaw.bytes.length >= 3, "the first reader heard");
    await closed(first);
    expect(await pty.write(Buffer.from("lost"))).toBe("dropped");
    const secondSaw = collect(await reader(pty.path));
    expect(await pty.write(Buffer.from("two"))).toBe("written");
    await until(() => secondSaw.bytes.length >= 3, "the second reader heard");
    expect(secondSaw.bytes.toString()).toBe("two");
  });

  it("survives a reader that is killed", async () => {
    const pty = await line();
    const script = `const {SerialPort}=require("serialport");
      const p=new SerialPort({path:${JSON.stringify(pty.path)},baudRate:115200},()=>p.write("up"));`;
    const child = spawn(process.execPath, ["-e", script], { stdio: childStdio([pty], ["ignore", "ignore", "ignore"]) });
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const iterator = pty.incoming[Symbol.asyncIterator]();
    expect(Buffer.from((await iterator.next()).value ?? []).toString()).toBe("up");
    child.kill("SIGKILL");
    await gone;
    const port = await reader(pty.path);
    const seen = collect(port);
    await pty.write(Buffer.from("again"));
    await until(() => seen.bytes.toString() === "again", "the new reader heard");
    port.write("yes");
    expect(Buffer.from((await iterator.next()).value ?? []).toString()).toBe("yes");
  });

  it("hangs up the reader when the cable is pulled, also when a child was started meanwhile", async () => {
    const pty = await line();
    const port = new ReadStream(openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY));
    const hungUp = new Promise((resolve) => port.once("close", resolve));
    port.on("error", () => port.destroy()).resume();
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
      stdio: childStdio([pty], ["pipe", "ignore", "ignore"]),
    });
    const gone = new Promise((resolve) => child.once("exit", resolve));
    await pty.close();
    await hungUp;
    child.stdin?.end();
    await gone;
  });

  it("ends the incoming bytes when it is closed", async () => {
    const pty = await line();
    const all = take(pty, 1);
    await pty.close();
    expect(await all).toEqual(Buffer.alloc(0));
  });
});
