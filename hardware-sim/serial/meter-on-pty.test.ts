import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { describe, expect, it } from "vitest";
import { until } from "../../tests/support/until.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { createChance } from "../radio/seeded.ts";
import { createLifescanUltra2 } from "./lifescan-ultra2.ts";
import { createSerialLine } from "./serial-line.ts";
import { createTaidocMeter } from "./taidoc-meter.ts";

/** Opens the port as a hub does, runs `talk`, and closes it. */
const talkingTo = async (path: string, talk: (port: SerialPort, heard: () => string) => Promise<void>) => {
  const port = new SerialPort({ path, baudRate: 9600 });
  const received: Buffer[] = [];
  port.on("data", (data: Buffer) => received.push(data));
  await new Promise<void>((resolve, reject) => {
    port.once("open", resolve);
    port.once("error", reject);
  });
  await talk(port, () => Buffer.concat(received).toString("latin1"));
  await new Promise<void>((resolve) => port.close(() => resolve()));
};

describe("meter on a pty", () => {
  it("answers a hub that opens its port, and knows that its records went out", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-meter-"));
    const clock = createRealClock();
    // The meter exists only after its line, and gets bytes only after that.
    const hold: { receive: (bytes: Uint8Array) => void } = { receive: () => undefined };
    try {
      await using line = await createSerialLine({
        path: join(folder, "meter"),
        clock,
        chance: createChance(1),
        receive: (bytes) => hold.receive(bytes),
      });
      const meter = createLifescanUltra2({ clock, localTime: () => Date.UTC(2026, 5, 15, 12), line: () => line });
      hold.receive = meter.receive;
      const record = meter.measure({ mgPerDl: 105 });
      await talkingTo(line.path, async (port, heard) => {
        port.write("\x11\rDMP\r");
        await until(() => heard().split("\r\n").length === 3, "header and record arrived");
        expect(heard()).toContain('P "MON","06/15/26","12:00:00   ","  105 ","N","00", 00 ');
      });
      expect(record.delivery).toBe("sent");

      const cuff = createTaidocMeter({
        clock,
        localTime: () => Date.UTC(2026, 5, 15),
        line: () => line,
        model: "3128",
      });
      hold.receive = cuff.receive;
      await talkingTo(line.path, async (port, heard) => {
        port.write(Buffer.from("512400000000a318", "hex"));
        await until(() => heard().length === 8, "the model arrived");
        expect(Buffer.from(heard(), "latin1").toString("hex")).toBe("512428310000a573");
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
