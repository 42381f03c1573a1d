import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import type { Framed, Framer } from "../driver.ts";
import { ASTM_LIMIT, createAstmFramer } from "./astm.ts";
import { createLifescanBinaryFramer } from "./lifescan-binary.ts";
import { createLineFramer, createTanitaFramer, LINE_LIMIT } from "./line.ts";
import { createContecLiveFramer, createContecRecordedFramer, createNoninDf8Framer } from "./marked-start.ts";
import { createNoninDf2Framer } from "./nonin-df2.ts";
import { createNoninSpotFramer } from "./nonin-spot.ts";
import { createStxEtxFramer } from "./stx-etx.ts";
import { createTaidocFramer } from "./taidoc.ts";
import { createVitalographFramer, VITALOGRAPH_LIMIT } from "./vitalograph.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** An ASTM frame with its checksum. */
const astm = (body: string): Uint8Array => {
  const sum = [...body].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff;
  return ascii(`\x02${body}${sum.toString(16).toUpperCase().padStart(2, "0")}\r\n`);
};

interface Subject {
  readonly name: string;
  readonly create: () => Framer;
  /** Octets that the framer may hold between pushes. */
  readonly holds: number;
  readonly frames: readonly Uint8Array[];
  /** Noise after which the very next frame must come out; no octet of it can start a frame. */
  readonly noise: Uint8Array;
}

const STX_ETX_LIMIT = 64;

const subjects: readonly Subject[] = [
  {
    name: "Nonin format 2",
    create: createNoninDf2Framer,
    holds: 4,
    frames: [fromHex("0181010083"), fromHex("01800148ca"), fromHex("01814300c5")],
    noise: fromHex("ff0001007f0101"),
  },
  {
    name: "Nonin format 8",
    create: createNoninDf8Framer,
    holds: 3,
    frames: [fromHex("80486100"), fromHex("837f7f08")],
    noise: fromHex("0000817f"),
  },
  {
    name: "Nonin 9560 spot check",
    create: createNoninSpotFramer,
    holds: 71,
    frames: [
      fromHex("0002000d000e 2024061517082700 0200 0048 00 61 50 03"),
      fromHex("02f206180c1f0e1e0f03"),
      fromHex("06"),
    ],
    noise: fromHex("ff 00 01 02 ff 00 02 00 0c"),
  },
  {
    name: "Contec live",
    create: createContecLiveFramer,
    holds: 4,
    frames: [fromHex("8500004862"), fromHex("9000000000")],
    noise: fromHex("00007f"),
  },
  {
    name: "Contec recorded",
    create: createContecRecordedFramer,
    holds: 2,
    frames: [fromHex("f0c861"), fromHex("f18162")],
    noise: fromHex("00f07f80"),
  },
  {
    name: "lines to LF",
    create: () => createLineFramer(),
    holds: LINE_LIMIT - 1,
    frames: [ascii("ST,+00070.20 kg\r\n"), ascii("US,+00069.95 kg\r\n")],
    noise: fromHex("00ff800d0a41ff"),
  },
  {
    name: "lines to CR",
    create: () => createLineFramer({ end: 0x0d }),
    holds: LINE_LIMIT - 1,
    frames: [ascii("% 0025\r"), ascii('@ "GMF600DCY" 0297\r')],
    noise: fromHex("00ff80"),
  },
  {
    name: "Tanita lines",
    create: createTanitaFramer,
    holds: LINE_LIMIT - 1,
    frames: [ascii("{0,16,Wk,82.7,CS,00\r\n"), ascii("{0,16,Wk,70.1,CS,00\r\n")],
    noise: ascii("82.7,CS,FD\r\n{0,16,Wk,8"),
  },
  {
    name: "TaiDoc",
    create: createTaidocFramer,
    holds: 7,
    frames: [fromHex("512200000000a316"), fromHex("512421240e15a582")],
    noise: fromHex("0051000000000000"),
  },
  {
    name: "LifeScan binary",
    create: createLifescanBinaryFramer,
    holds: 254,
    frames: [fromHex("02060803c262"), fromHex("020903050d0203089f")],
    noise: fromHex("ff0205ff0206ff"),
  },
  {
    name: "ASTM",
    create: createAstmFramer,
    holds: ASTM_LIMIT - 1,
    frames: [astm("1P|1\r\x03"), ascii("\x05"), astm("2L|1||N\r\x03"), ascii("\x04")],
    noise: ascii("P|1\r\n\x021cut"),
  },
  {
    name: "STX to ETX",
    create: () => createStxEtxFramer(STX_ETX_LIMIT),
    holds: STX_ETX_LIMIT - 1,
    frames: [ascii("\x02M1001\x03"), ascii("\x02M1001M2001\x03")],
    noise: ascii("M10\x03\x02M1"),
  },
  {
    name: "Vitalograph",
    create: createVitalographFramer,
    holds: VITALOGRAPH_LIMIT - 1,
    frames: [
      ascii("\x02FTD00001294063633990914040000000950900001305281044180923\x03j"),
      ascii("\x02GPD0000185100\x03_"),
    ],
    noise: ascii("3990\x03\x06\x15\x02FTD00001"),
  },
];

const framesOf = (framed: readonly Framed[]): string[] =>
  framed.filter((piece) => piece.tag === "frame").map((piece) => toHex(piece.bytes));

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** The same octets, cut at the given places. */
const pushed = (framer: Framer, bytes: Uint8Array, cuts: readonly number[]): Framed[] => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).flatMap((end, at) => [...framer.push(bytes.subarray(places[at], end))]);
};

for (const { name, create, holds, frames, noise } of subjects) {
  const stream = joined(frames);
  const expected = frames.map(toHex);

  describe(`framer of ${name}`, () => {
    it("cuts a clean stream into its frames, however it arrives", () => {
      expect(framesOf([...create().push(stream)])).toEqual(expected);
      for (let cut = 0; cut <= stream.length; cut++) {
        expect(framesOf(pushed(create(), stream, [cut])), `cut at ${cut}`).toEqual(expected);
      }
      const single = pushed(
        create(),
        stream,
        Array.from(stream, (_, at) => at),
      );
      expect(framesOf(single)).toEqual(expected);
      expect(single.filter((piece) => piece.tag === "discarded")).toEqual([]);
    });

    it("finds the next frame after noise", () => {
      const framed = [...create().push(joined([noise, ...frames]))];
      expect(framesOf(framed).slice(-frames.length)).toEqual(expected);
      expect(framed[0]).toMatchObject({ tag: "discarded" });
    });

    it("loses at most the frames that a flipped bit touches, and finds the second after it", () => {
      const three = joined([stream, stream, stream]);
      const first = frames[0] ?? new Uint8Array(0);
      for (let bit = 0; bit < first.length * 8; bit++) {
        const damaged = Uint8Array.from(three);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(framesOf([...create().push(damaged)]).slice(-2 * frames.length), `bit ${bit}`).toEqual([
          ...expected,
          ...expected,
        ]);
      }
    });

    it("gives back every octet once and in order, holds little, and does not care how a stream is cut", () => {
      const piece = fc.oneof(
        fc.constantFrom(...frames),
        fc.constantFrom(...frames).chain((frame) => fc.nat(frame.length).map((length) => frame.subarray(0, length))),
        fc.uint8Array({ maxLength: 12 }),
        fc.constant(noise),
      );
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(2000), { maxLength: 12 }), (pieces, cuts) => {
          const bytes = joined(pieces);
          const before = toHex(bytes);
          const framed = pushed(create(), bytes, cuts);
          const out = framed.map((one) => toHex(one.bytes)).join("");
          expect(toHex(bytes)).toBe(before);
          expect(before.startsWith(out)).toBe(true);
          expect((before.length - out.length) / 2).toBeLessThanOrEqual(holds);
          expect(framed.every((one) => one.bytes.length > 0)).toBe(true);
          expect(framesOf([...create().push(bytes)])).toEqual(framesOf(framed));
        }),
        { numRuns: 1000 },
      );
    });

    it("stays within its bound on octets that never end a frame", () => {
      const starts = [noise, ...frames.map((frame) => frame.subarray(0, Math.max(1, frame.length - 1)))];
      for (const start of starts) {
        const framer = create();
        let out = 0;
        let into = 0;
        for (const chunk of [start, ...Array.from({ length: 40 }, () => new Uint8Array(100).fill(0x41))]) {
          into += chunk.length;
          for (const piece of framer.push(chunk)) out += piece.bytes.length;
          expect(into - out).toBeLessThanOrEqual(holds);
        }
      }
    });
  });
}

describe("what framers make of damage", () => {
  const reasons = (framed: Iterable<Framed>): string[] =>
    [...framed].map((piece) => (piece.tag === "frame" ? "frame" : piece.reason));

  it("tells a wrong checksum from noise", () => {
    expect(reasons(createNoninDf2Framer().push(fromHex("01800148cb 0181010083")))[0]).toBe("checksum");
    expect(reasons(createTaidocFramer().push(fromHex("512200000000a317")))[0]).toBe("checksum");
    expect(reasons(createLifescanBinaryFramer().push(fromHex("02060803c263")))[0]).toBe("checksum");
    expect(reasons(createNoninDf2Framer().push(fromHex("ffffff")))).toEqual(["noise"]);
  });

  it("discards a whole ASTM frame with a wrong checksum, to be answered with NAK", () => {
    const framed = [...createAstmFramer().push(ascii("\x021P|1\r\x0300\r\n\x05"))];
    expect(reasons(framed)).toEqual(["checksum", "frame"]);
    expect(framed[0]?.bytes).toHaveLength(11);
  });

  it("starts anew at the STX of a frame that interrupts another", () => {
    const framed = createAstmFramer().push(joined([ascii("\x021H|cut"), astm("1P|1\r\x03")]));
    expect(reasons(framed)).toEqual(["noise", "frame"]);
  });

  it("discards a line without an end as overlong, to its end, and reads the next", () => {
    const framer = createLineFramer();
    const long = ascii(`${"A".repeat(3 * LINE_LIMIT)}\nST,+00070.20 kg\r\n`);
    const framed = [...framer.push(long)];
    expect(reasons(framed)).toEqual(["overlong", "frame"]);
    expect(toHex(framed[1]?.bytes ?? new Uint8Array(0))).toBe(toHex(ascii("ST,+00070.20 kg\r\n")));
  });

  it("does not pass the rest of a line with noise in it for a frame of its own beginning", () => {
    const framed = [...createLineFramer().push(ascii("ST,+0007\xff0.20 kg\r\nST,+00070.20 kg\r\n"))];
    expect(reasons(framed)).toEqual(["noise", "frame", "frame"]);
    expect(Buffer.from(framed[1]?.bytes ?? []).toString("latin1")).toBe("0.20 kg\r\n");
  });

  it("takes empty lines for noise", () => {
    expect(reasons(createLineFramer().push(ascii("\r\n\r\nA\r\n")))).toEqual(["noise", "frame"]);
  });

  it("does not wait for a record of format 13 that claims to be longer than any", () => {
    expect(reasons(createNoninSpotFramer().push(fromHex("0002000d0041")))[0]).toBe("overlong");
  });

  it("does not let a whole record wait behind one whose length was damaged", () => {
    const record = subjects.find((subject) => subject.create === createNoninSpotFramer)?.frames[0] ?? new Uint8Array(0);
    const damaged = Uint8Array.from(record);
    damaged[5] = 0x2e;
    const framer = createNoninSpotFramer();
    expect(reasons(framer.push(damaged))).toEqual([]);
    expect(reasons(framer.push(record))).toEqual(["noise", "frame"]);
  });

  it("takes no octet of a damaged record of format 13 for ACK or NAK", () => {
    const record = subjects.find((subject) => subject.create === createNoninSpotFramer)?.frames[0] ?? new Uint8Array(0);
    const wrongSum = Uint8Array.from(record);
    wrongSum[20] = 0;
    const wrongEnd = Uint8Array.from(record);
    wrongEnd[21] = 0x04;
    expect(reasons(createNoninSpotFramer().push(joined([wrongSum, record])))).toEqual(["checksum", "frame"]);
    expect(reasons(createNoninSpotFramer().push(joined([wrongEnd, record])))).toEqual(["noise", "frame"]);
  });

  it("hands out copies that later pushes do not change", () => {
    const bytes = fromHex("0181010083");
    const [framed] = [...createNoninDf2Framer().push(bytes)];
    bytes.fill(0);
    expect(toHex(framed?.bytes ?? new Uint8Array(0))).toBe("0181010083");
  });
});
