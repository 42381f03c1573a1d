import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { minutes } from "../../protocol/time.ts";
import { crc16, createLifescanReader, lifescanFrame } from "./lifescan-frames.ts";
import { createLifescanUltraEasy } from "./lifescan-ultra-easy.ts";
import { createLifescanUltra2 } from "./lifescan-ultra2.ts";
import { ultra2Header, ultra2Line, ultra2Record } from "./lifescan-ultra2-lines.ts";
import { createLifescanVerio } from "./lifescan-verio.ts";
import { asText } from "./local-parts.ts";
import { meterBench } from "./meter-bench.ts";

describe("Ultra2 lines", () => {
  it("are those that a meter sent (v166, v168)", () => {
    expect(asText(ultra2Header(3, "GMF600DCY", "mg/dL"))).toBe('P 003,"GMF600DCY","MG/DL " 05A6\r\n');
    const at = Date.UTC(2015, 2, 21, 16, 42, 11);
    expect(asText(ultra2Record({ mgPerDl: 105, meal: "before", comment: 2 }, at))).toBe(
      'P "SAT","03/21/15","16:42:11   ","  105 ","B","02", 00 099F\r\n',
    );
  });

  it("sum their letters, and mark control solution", () => {
    expect(asText(ultra2Line("%"))).toBe("% 0025\r\n");
    expect(asText(ultra2Record({ mgPerDl: 81, control: true }, 0))).toContain('"C 081 ","N","00", 00 ');
    expect(() => ultra2Record({ mgPerDl: 1000 }, 0)).toThrow(RangeError);
  });
});

describe("Ultra2", () => {
  const COMMAND = "\x11\r";

  it("dumps its memory newest first, keeps it, and says the same again", async () => {
    const { meter, askText, clock } = meterBench(createLifescanUltra2);
    const first = meter.measure({ mgPerDl: 105 });
    await clock.advance(minutes(3));
    const second = meter.measure({ mgPerDl: 176, meal: "after" });
    const dump = await askText(`${COMMAND}DMP\r`);
    expect(dump.map((line) => line.slice(0, -7))).toEqual([
      'P 002,"GMF600DCY","MG/DL "',
      'P "MON","06/15/26","12:03:00   ","  176 ","A","00", 00',
      'P "MON","06/15/26","12:00:00   ","  105 ","N","00", 00',
    ]);
    expect(await askText(`${COMMAND}DMP\r`)).toEqual(dump);
    expect([first.delivery, second.delivery]).toEqual(["sent", "sent"]);
    expect(second.sent).toEqual([toHex(Buffer.from(dump[1] ?? "", "latin1"))]);
    expect(second.values).toEqual([{ quantity: "glucose.generic", value: 176, decimals: 0, unit: "mg/dL" }]);
  });

  it("answers with or without a CR after the command, and in pieces", async () => {
    const { askText } = meterBench(createLifescanUltra2);
    expect(await askText(`${COMMAND}DM@`)).toEqual([asText(ultra2Line('@ "GMF600DCY"'))]);
    expect(await askText("noise\x11")).toEqual([]);
    expect(await askText("\rDM")).toEqual([]);
    expect(await askText("?\r")).toEqual([asText(ultra2Line("?P02.00.00 30/08/06"))]);
    expect(await askText(`${COMMAND}DMSU?\r`)).toEqual([asText(ultra2Line('SU?,"MG/DL "'))]);
    expect(await askText("DMF\r")).toEqual([]);
    expect(await askText(`${COMMAND}DMXYZ\r`)).toEqual([]);
  });

  it("tells its clock and lets it be set", async () => {
    const { meter, askText } = meterBench(createLifescanUltra2);
    meter.setClockError(minutes(-60));
    expect((await askText(`${COMMAND}DMF\r`))[0]).toContain('F "MON","06/15/26","11:00:00   " ');
    expect((await askText(`${COMMAND}DMT06/15/26 12:00:30\r`))[0]).toContain('T "MON","06/15/26","12:00:30   " ');
    expect(meter.clockError).toBe(30_000);
  });

  it("erases its memory when it is told to, and that is a violation", async () => {
    const { meter, askText } = meterBench(createLifescanUltra2);
    const record = meter.measure({ mgPerDl: 105 });
    expect(await askText(`${COMMAND}DMZ\r`)).toEqual([asText(ultra2Line("Z"))]);
    expect(meter.violations).toEqual(["DMZ"]);
    expect(record.delivery).toBe("unheard");
    expect((await askText(`${COMMAND}DMP\r`))[0]).toContain("P 000,");
  });

  it("counts a record as told only when it went out as it should", async () => {
    const { meter, askText, state } = meterBench(createLifescanUltra2);
    const record = meter.measure({ mgPerDl: 105 });
    state.disturbed = true;
    await askText(`${COMMAND}DMP\r`);
    expect(record.delivery).toBe("waiting");
    state.disturbed = false;
    await askText(`${COMMAND}DMP\r`);
    expect(record.delivery).toBe("sent");
  });
});

describe("LifeScan frames", () => {
  it("are the published ones (v175, v177)", () => {
    expect(toHex(lifescanFrame(0x08))).toBe("02060803c262");
    expect(toHex(lifescanFrame(0x06))).toBe("02060603cd41");
    expect(crc16(Buffer.from("123456789"))).toBe(0x29b1);
  });

  it("are found in pieces and after noise, and spoiled ones are dropped", () => {
    const frame = lifescanFrame(0, [5, 13, 2]);
    for (let cut = 0; cut <= frame.length; cut++) {
      const read = createLifescanReader();
      const frames = [...read(fromHex("0203ff")), ...read(frame.slice(0, cut)), ...read(frame.slice(cut))];
      expect(frames.map(({ message }) => toHex(message))).toEqual(["050d02"]);
    }
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const spoiled = frame.map((octet, index) => (index === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet));
      const read = createLifescanReader();
      const frames = [...read(spoiled), ...read(frame), ...read(new Uint8Array(255))];
      expect(frames.map(({ message }) => toHex(message))).toContain("050d02");
      expect(frames.length).toBe(1);
    }
  });
});

describe("UltraEasy", () => {
  const frame = (link: number, message = ""): string => toHex(lifescanFrame(link, fromHex(message)));
  /** Seconds since 1970 of 2026-06-15 12:00:00, least significant octet first. */
  const NOON = "40e92f6a";

  it("goes through a session with its counters as LifeScan's document has them", async () => {
    const { meter, ask } = meterBench(createLifescanUltraEasy);
    const record = meter.measure({ mgPerDl: 105 });
    expect(await ask("02060803c262")).toEqual([frame(0x0c)]);
    expect(frame(0x0c)).toBe("02060c0306ae");
    // The version: 50 30 32 ... is P02.00.00 and 25/05/07.
    expect(await ask(frame(0x00, "050d02"))).toEqual([
      "02060603cd41",
      frame(0x02, "0506115030322e30302e303032352f30352f3037"),
    ]);
    expect(await ask(frame(0x07))).toEqual([]);
    expect(await ask(frame(0x03, "051ff501"))).toEqual([frame(0x05), frame(0x01, "050f0100")]);
    expect(await ask(frame(0x04))).toEqual([]);
    expect(await ask(frame(0x00, "051f0000"))).toEqual([frame(0x06), frame(0x02, `0506${NOON}69000000`)]);
    expect(record.delivery).toBe("sent");
  });

  it("says again what was lost, and takes a following request as the acknowledgement", async () => {
    const { ask } = meterBench(createLifescanUltraEasy);
    await ask(frame(0x08));
    const answer = await ask(frame(0x00, "05200200000000"));
    expect(answer).toEqual([frame(0x06), frame(0x02, `0506${NOON}`)]);
    expect(await ask(frame(0x00, "05200200000000"))).toEqual(answer);
    expect(await ask(frame(0x03, "0509020900000000"))).toEqual([frame(0x05), frame(0x01, "050600000000")]);
  });

  it("acknowledges what it does not know, and says no more", async () => {
    const { ask } = meterBench(createLifescanUltraEasy);
    await ask(frame(0x08));
    expect(await ask(frame(0x00, "05ff"))).toEqual([frame(0x06)]);
    expect(await ask(frame(0x01, "051f0900"))).toEqual([frame(0x04)]);
  });

  it("lets its clock be set, and records an erasure as a violation", async () => {
    const { meter, ask } = meterBench(createLifescanUltraEasy);
    await ask(frame(0x08));
    expect(await ask(frame(0x00, "05200140e92f6a"))).toEqual([frame(0x06), frame(0x02, `0506${NOON}`)]);
    await ask(frame(0x07));
    meter.measure({ mgPerDl: 90 });
    expect(await ask(frame(0x03, "051a"))).toEqual([frame(0x05), frame(0x01, "0506")]);
    expect(meter.violations).toEqual(["05 1A"]);
  });
});

describe("Verio IQ", () => {
  const frame = (message: string): string => toHex(lifescanFrame(0, fromHex(message)));
  /** Seconds since 2000 of 2026-06-15 12:00:00. */
  const NOON = "c0a5c231";

  it("tells count and records newest first, and repeats the prefix that it was asked with", async () => {
    const { meter, ask } = meterBench(createLifescanVerio);
    meter.measure({ mgPerDl: 105, control: true });
    meter.measure({ mgPerDl: 300, meal: "after" });
    expect(await ask(frame("032700"))).toEqual([frame("03060200")]);
    expect(await ask(frame("04210000"))).toEqual([frame(`0406${NOON}2c0100020000`)]);
    expect(await ask(frame("04210100"))).toEqual([frame(`0406${NOON}690001000000`)]);
    expect(await ask(frame("04210200"))).toEqual([]);
    expect(meter.measurements.map(({ values }) => values.length)).toEqual([0, 1]);
  });

  it("tells clock, unit, serial number and version", async () => {
    const { meter, ask } = meterBench(createLifescanVerio);
    expect(await ask(frame("032002"))).toEqual([frame(`0306${NOON}`)]);
    expect(await ask(frame("03090202"))).toEqual([frame("030600000000")]);
    expect(await ask(frame("030b0102"))).toEqual([frame(`0306${toHex(Buffer.from("KTHXSAGB"))}00`)]);
    expect((await ask(frame("030d01")))[0]).toMatch(/^021b00030611/);
    expect(await ask(frame("032001ffffff00"))).toEqual([frame("0306")]);
    expect(meter.clockError).not.toBe(0);
    expect(await ask(frame("031a"))).toEqual([frame("0306")]);
    expect(meter.violations).toEqual(["1A"]);
    expect(await ask(frame("072700"))).toEqual([]);
  });
});
