import type { Framer } from "../../drivers/driver.ts";
import { ASTM_LIMIT, createAstmFramer } from "../../drivers/framer/astm.ts";
import { createLifescanBinaryFramer } from "../../drivers/framer/lifescan-binary.ts";
import { createLineFramer, createTanitaFramer, LINE_LIMIT } from "../../drivers/framer/line.ts";
import {
  createContecLiveFramer,
  createContecRecordedFramer,
  createNoninDf8Framer,
} from "../../drivers/framer/marked-start.ts";
import { createNoninDf2Framer } from "../../drivers/framer/nonin-df2.ts";
import { createNoninSpotFramer } from "../../drivers/framer/nonin-spot.ts";
import { createStxEtxFramer } from "../../drivers/framer/stx-etx.ts";
import { createTaidocFramer } from "../../drivers/framer/taidoc.ts";
import { createVitalographFramer, VITALOGRAPH_LIMIT } from "../../drivers/framer/vitalograph.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { samplesOf, simulatedFrames } from "./samples.ts";

/** A framer, what it may hold between pushes as its docstring says, and whole frames of its format. */
export interface FramerSubject {
  /** As it is exported, so that a framer without a subject is seen. */
  readonly name: string;
  readonly create: () => Framer;
  readonly holds: number;
  /** Each is one frame, whole. */
  readonly frames: readonly Uint8Array[];
  /** More to mutate: streams, commands. */
  readonly samples: readonly Uint8Array[];
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

const cutInto = (bytes: Uint8Array, length: number): readonly Uint8Array[] =>
  Array.from({ length: Math.floor(bytes.length / length) }, (_, at) => bytes.subarray(at * length, (at + 1) * length));

const STX_ETX_LIMIT = 64;

export const framerSubjects: readonly FramerSubject[] = [
  {
    name: "createNoninDf2Framer",
    create: createNoninDf2Framer,
    holds: 4,
    frames: simulatedFrames.noninStream.flatMap((packet) => cutInto(packet, 5)),
    samples: samplesOf("serial.nonin.df2.stream"),
  },
  {
    name: "createNoninDf8Framer",
    create: createNoninDf8Framer,
    holds: 3,
    frames: simulatedFrames.noninSecond,
    samples: [],
  },
  {
    name: "createNoninSpotFramer",
    create: createNoninSpotFramer,
    holds: 71,
    frames: simulatedFrames.noninSpot,
    samples: [fromHex("02f206180c1f0e1e0f03"), fromHex("06"), fromHex("15"), ...samplesOf("serial.nonin.9560.command")],
  },
  {
    name: "createContecLiveFramer",
    create: createContecLiveFramer,
    holds: 4,
    frames: simulatedFrames.contecLive,
    samples: samplesOf("serial.contec.cms50.live"),
  },
  {
    name: "createContecRecordedFramer",
    create: createContecRecordedFramer,
    holds: 2,
    frames: [simulatedFrames.contecRecorded[1]].filter((one) => one !== undefined),
    samples: samplesOf("serial.contec.cms50.recorded"),
  },
  {
    name: "createLineFramer",
    create: () => createLineFramer(),
    holds: LINE_LIMIT - 1,
    frames: [...simulatedFrames.aandd, ...simulatedFrames.ultra2],
    samples: [...samplesOf("serial.aandd.weight.line"), ascii("\n\r\n\r\n"), ascii("A".repeat(1100))],
  },
  {
    name: "createLineFramer",
    create: () => createLineFramer({ end: 0x0d }),
    holds: LINE_LIMIT - 1,
    frames: [ascii("% 0025\r"), ascii('@ "GMF600DCY" 0297\r')],
    samples: [ascii("A".repeat(1100))],
  },
  {
    name: "createTanitaFramer",
    create: createTanitaFramer,
    holds: LINE_LIMIT - 1,
    frames: simulatedFrames.tanita,
    samples: samplesOf("serial.tanita.line"),
  },
  {
    name: "createTaidocFramer",
    create: createTaidocFramer,
    holds: 7,
    frames: simulatedFrames.taidoc,
    samples: samplesOf("serial.taidoc.frame"),
  },
  {
    name: "createLifescanBinaryFramer",
    create: createLifescanBinaryFramer,
    holds: 254,
    frames: simulatedFrames.lifescan,
    samples: samplesOf("serial.lifescan.binary.frame"),
  },
  {
    name: "createAstmFramer",
    create: createAstmFramer,
    holds: ASTM_LIMIT - 1,
    frames: simulatedFrames.astm,
    samples: [ascii("\x05"), ascii("\x04"), ascii("\x06"), ascii("\x15"), ascii(`\x02${"A".repeat(1100)}`)],
  },
  {
    name: "createStxEtxFramer",
    create: () => createStxEtxFramer(STX_ETX_LIMIT),
    holds: STX_ETX_LIMIT - 1,
    frames: [ascii("\x02M1001\x03"), ascii("\x02M1001M2001\x03")],
    samples: samplesOf("serial.visomat.memory").map((memory) => memory.slice(0, 600)),
  },
  {
    name: "createVitalographFramer",
    create: createVitalographFramer,
    holds: VITALOGRAPH_LIMIT - 1,
    frames: simulatedFrames.vitalograph,
    samples: [],
  },
];
