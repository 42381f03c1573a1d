/** A text that is put together as UTF-8 octets, for hashing: no intermediate strings. Used again for the next text. */
export interface OctetText {
  clear(): void;
  text(part: string): void;
  /** One ASCII character by its code. */
  sign(code: number): void;
  /** As `String(value)` has it. */
  whole(value: number): void;
  /** What was put in since `clear`; valid until the next call of anything here. */
  bytes(): Uint8Array;
}

const ZERO = 48;
/** A number from 0 to here is written digit by digit. */
const MOST_SMALL = 9_999_999;
const FIRST_SIZE = 512;

const encoder = new TextEncoder();

/** Grows to the longest text it was given. Not to be shared between texts that are made at the same time. */
export const createOctetText = (): OctetText => {
  let buffer = new Uint8Array(FIRST_SIZE);
  let end = 0;

  const makeRoom = (octets: number): void => {
    if (end + octets <= buffer.length) return;
    const larger = new Uint8Array(Math.max(buffer.length * 2, end + octets));
    larger.set(buffer.subarray(0, end));
    buffer = larger;
  };

  const text = (part: string): void => {
    // A UTF-16 unit becomes three octets at most.
    makeRoom(part.length * 3);
    const into = buffer;
    let at = end;
    for (let i = 0; i < part.length; i++) {
      const unit = part.charCodeAt(i);
      if (unit >= 0x80) {
        end += encoder.encodeInto(part, into.subarray(end)).written;
        return;
      }
      into[at] = unit;
      at += 1;
    }
    end = at;
  };

  return {
    clear: () => {
      end = 0;
    },
    text,
    sign: (code) => {
      makeRoom(1);
      buffer[end] = code;
      end += 1;
    },
    whole: (value) => {
      if (!(value >= 0 && value <= MOST_SMALL) || !Number.isInteger(value)) return text(String(value));
      let digits = 1;
      for (let limit = 10; limit <= value; limit *= 10) digits += 1;
      makeRoom(digits);
      const into = buffer;
      const start = end;
      end = start + digits;
      let rest = value;
      for (let at = end - 1; at >= start; at--) {
        const next = (rest / 10) | 0;
        into[at] = ZERO + rest - next * 10;
        rest = next;
      }
    },
    bytes: () => buffer.subarray(0, end),
  };
};
