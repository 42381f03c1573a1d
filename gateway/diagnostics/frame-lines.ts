/** Cuts a byte stream into text lines at LF; a CR before it belongs to the end. */
export interface LineCutter {
  /** Complete lines, without their ends. A line over the bound comes out once, as null, when its end arrives. */
  push(bytes: Uint8Array): Iterable<string | null>;
  /** The last line where it has no end; nothing when the stream ended with one. */
  end(): Iterable<string | null>;
}

const LF = 0x0a;
const CR = 0x0d;

/** Holds at most `longest` bytes of an unfinished line. Bytes that are not UTF-8 come out as U+FFFD. */
export const createLineCutter = (longest: number): LineCutter => {
  let parts: Uint8Array[] = [];
  let length = 0;
  let overlong = false;

  const add = (bytes: Uint8Array): void => {
    if (overlong || bytes.length === 0) return;
    if (length + bytes.length > longest) {
      overlong = true;
      parts = [];
      length = 0;
      return;
    }
    // A copy: the caller may reuse its buffer, and a short rest must not keep a large chunk alive.
    parts.push(Uint8Array.from(bytes));
    length += bytes.length;
  };

  const finish = (last: Uint8Array): string | null => {
    const whole = length === 0 ? last : Buffer.concat([...parts, last]);
    const line = overlong || whole.length > longest ? null : whole;
    parts = [];
    length = 0;
    overlong = false;
    if (line === null) return null;
    const end = line.at(-1) === CR ? line.length - 1 : line.length;
    return Buffer.from(line.buffer, line.byteOffset, end).toString("utf8");
  };

  return {
    *push(bytes) {
      let from = 0;
      for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, from)) {
        yield finish(bytes.subarray(from, at));
        from = at + 1;
      }
      add(bytes.subarray(from));
    },
    *end() {
      if (overlong || length > 0) yield finish(new Uint8Array(0));
    },
  };
};
