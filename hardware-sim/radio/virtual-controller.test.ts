import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import { CUFF_ON_AIR, controllerBench, packetsOf, UNMASK } from "./controller-bench.ts";
import { createMemoryLine } from "./memory-line.ts";
import type { HostLine } from "./virtual-controller.ts";

describe("virtual controller, information", () => {
  it.each([
    ["Reset", "01030c00", "040e0401030c00"],
    ["Read Local Version", "01011000", "040e0c0101100009000009ffff0000"],
    ["Read BD_ADDR", "01091000", "040e0a010910000153005e0000"],
    ["Read Buffer Size", "01051000", "040e0b01051000fb000008000000"],
    ["LE Read Buffer Size", "01022000", "040e0701022000fb0008"],
    ["LE Read Local Supported Features", "01032000", "040e0c010320002100000000000000"],
    ["LE Read Maximum Data Length", "012f2000", "040e0c012f2000fb004808fb004808"],
    ["Read LE Host Support", "016c0c00", "040e06016c0c000000"],
    ["Set Event Mask", "01010c08fffffbff07f8bf3d", "040e0401010c00"],
    ["LE Set Event Mask", "010120085f00000000000000", "040e0401012000"],
  ])("answers %s", async (_name, command, answer) => {
    expect(await (await controllerBench()).say(command)).toEqual([answer]);
  });

  it("keeps what the host wrote about LE support", async () => {
    expect(await (await controllerBench()).say("016d0c020100", "016c0c00")).toEqual([
      "040e04016d0c00",
      "040e06016c0c000100",
    ]);
  });

  it("tells extended advertising only where it has it", async () => {
    const [features] = await (await controllerBench({ extended: true })).say("01032000");
    expect(features).toBe("040e0c010320002110000000000000");
  });

  it("lists the commands that it obeys: octet 26 has scanning, connecting and its cancelling", async () => {
    const [answer = ""] = await (await controllerBench()).say("01021000");
    const bitmap = fromHex(answer).subarray(7);
    expect(bitmap).toHaveLength(64);
    expect((bitmap[26] ?? 0) & 0b0011_1100).toBe(0b0011_1100);
    expect((bitmap[37] ?? 0) & 0b1110_0000).toBe(0);
  });

  it("encrypts a block as FIPS 197 C.1 does, octets reversed", async () => {
    const key = "0f0e0d0c0b0a09080706050403020100";
    const plain = "ffeeddccbbaa99887766554433221100";
    const answer = "040e14011720005ac5b47080b7cdd830047b6ad8e0c469";
    expect(await (await controllerBench()).say(`01172020${key}${plain}`)).toEqual([answer]);
  });

  it("refuses an unknown command with status 0x01 and remembers its opcode", async () => {
    const { say, controller } = await controllerBench();
    expect(await say("01fffc00")).toEqual(["040e0401fffc01"]);
    expect([...controller.unknownCommands]).toEqual([0xfcff]);
  });

  it("refuses parameters that end early with status 0x12", async () => {
    expect(await (await controllerBench()).say("010c200101")).toEqual(["040e04010c2012"]);
  });

  it("holds back events that the host has not unmasked", async () => {
    const { say, pass, advertise } = await controllerBench();
    advertise();
    await say("01030c00", "010c20020100");
    expect(await pass(100)).toEqual([]);
  });

  it("answers nothing while it is wedged, and goes on when it is woken", async () => {
    const { say, controller } = await controllerBench();
    controller.wedge(true);
    expect(await say("01030c00")).toEqual([]);
    controller.wedge(false);
    expect(await say("01030c00")).toEqual(["040e0401030c00"]);
  });
});

describe("virtual controller, scanning", () => {
  const ADV = `043e1302010000${CUFF_ON_AIR}0702010603031018`;
  const RSP = `043e1002010400${CUFF_ON_AIR}0403094250`;
  const ACTIVE = "010b200701120012000000";
  const PASSIVE = "010b200700120012000000";

  it("reports an advertisement and its scan response while it scans actively", async () => {
    const { say, pass, advertise } = await controllerBench();
    advertise();
    expect(await say(ACTIVE, "010c20020100")).toEqual(["040e04010b2000", "040e04010c2000"]);
    const heard = await pass(50);
    expect(heard[0]?.slice(0, -2)).toBe(ADV);
    expect(heard[1]?.slice(0, -2)).toBe(RSP);
    expect(Buffer.from(heard[0] ?? "", "hex").readInt8(21)).toBeLessThan(-50);
  });

  it("asks for no scan response while it scans passively", async () => {
    const { say, pass, advertise } = await controllerBench();
    advertise();
    await say(PASSIVE, "010c20020100");
    const heard = await pass(100);
    expect(heard.length).toBeGreaterThan(1);
    expect(heard.every((packet) => packet.startsWith(ADV))).toBe(true);
  });

  it("reports a device once where duplicates are filtered, and again when scanning starts anew", async () => {
    const { say, pass, advertise } = await controllerBench();
    advertise();
    await say(ACTIVE, "010c20020101");
    expect(await pass(500)).toHaveLength(2);
    await say("010c20020000", "010c20020101");
    expect(await pass(500)).toHaveLength(2);
  });

  it("hears nothing when scanning is off, and lets nobody's clock run", async () => {
    const { say, pass, advertise, clock } = await controllerBench();
    advertise();
    await say(ACTIVE, "010c20020100", "010c20020000");
    await pass(100);
    expect(await pass(1000)).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });

  it("refuses new parameters while it scans", async () => {
    expect(await (await controllerBench()).say("010c20020100", ACTIVE)).toEqual(["040e04010c2000", "040e04010b200c"]);
  });

  it("reports in the extended form to a host that scans with the extended commands", async () => {
    const { say, pass, advertise } = await controllerBench({ extended: true });
    advertise();
    await say("01012008ffff000000000000", "014120080000010112001200");
    await say("01422006010000000000");
    const [first = ""] = await pass(50);
    const expected = `043e210d01130000${CUFF_ON_AIR}0100ff7f`;
    expect(first.slice(0, expected.length)).toBe(expected);
    expect(first.slice(-16)).toBe("0702010603031018");
  });

  it("loses reports, never data, while the host does not read", async () => {
    const line = createMemoryLine();
    const backlog = { octets: 0 };
    const slow: HostLine = {
      ...line.device,
      get waiting() {
        return backlog.octets;
      },
    };
    const { advertise, clock } = await controllerBench({ line: slow });
    const spoken = async (): Promise<readonly string[]> => {
      await clock.advance(millis(100));
      return packetsOf(line.take());
    };
    advertise();
    for (const packet of ["01030c00", ...UNMASK, "010c20020100"]) line.send(fromHex(packet));
    expect((await spoken()).some((packet) => packet.startsWith("043e"))).toBe(true);
    backlog.octets = 100_000;
    line.send(fromHex("01091000"));
    expect(await spoken()).toEqual(["040e0a010910000153005e0000"]);
  });
});
