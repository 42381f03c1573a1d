import { decodeKinds, decodeView } from "../../drivers/decode/kinds.ts";
import { createLineCutter } from "../diagnostics/frame-lines.ts";
import { answerHex, answerLine, type Decoders } from "./decode-answer.ts";
import { decodeText } from "./decode-text.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** A memory dump of a meter is some 50 kB, twice that in hex; this holds ten of them. */
const LONGEST_LINE_BYTES = 1024 * 1024;

export interface DecodeOptions {
  readonly json?: boolean;
  readonly ndjson?: boolean;
  readonly list?: boolean;
}

const decoders: Decoders = { kinds: decodeKinds, decode: decodeView };

const list = async (json: boolean, output: Output): Promise<ExitCode> => {
  const kinds = [...decoders.kinds].sort();
  await output.write(json ? `${JSON.stringify(kinds)}\n` : kinds.map((kind) => `${kind}\n`).join(""));
  return EXIT.ok;
};

/** One answer a line, in order; the answers to one chunk of input go out together, and the next waits for them. */
const stream = async (input: AsyncIterable<Uint8Array>, output: Output): Promise<ExitCode> => {
  const cutter = createLineCutter(LONGEST_LINE_BYTES);
  const reply = async (lines: Iterable<string | null>): Promise<void> => {
    let answers = "";
    for (const line of lines) answers += `${JSON.stringify(answerLine(decoders, line, LONGEST_LINE_BYTES))}\n`;
    if (answers !== "") await output.write(answers);
  };
  for await (const chunk of input) await reply(cutter.push(chunk));
  await reply(cutter.end());
  return EXIT.ok;
};

/**
 * `hemhub decode`: what the real drivers make of bytes. Bad bytes are an answer like any other (exit 0); a question that
 * cannot be asked (unknown kind, not hex) ends with exit 2.
 */
export const decodeCommand = async (
  kind: string | undefined,
  hex: readonly string[],
  options: DecodeOptions,
  input: AsyncIterable<Uint8Array>,
  output: Output,
): Promise<ExitCode> => {
  const json = options.json === true;
  if (options.list === true) return list(json, output);
  if (options.ndjson === true) return stream(input, output);
  if (kind === undefined || hex.length === 0) {
    output.complain("decode needs KIND and HEX, such as hemhub decode ble.2a19 64; or --ndjson, or --list");
    return EXIT.usage;
  }
  const { asked, answer } = answerHex(decoders, kind, hex.join(""));
  if (json) await output.write(`${JSON.stringify(answer)}\n`);
  else if (asked) await output.write(decodeText(answer));
  if (asked) return EXIT.ok;
  output.complain(`decode: ${String(answer.detail)}`);
  return EXIT.usage;
};
