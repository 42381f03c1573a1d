/**
 * Contec CMS50D+ before firmware 4.6: facts of atbrask/CMS50Dplus (cms50dplus.py, and its tests, from which the
 * published vectors are). 19 200 baud, odd parity. The maker's own document (protocol V7.0) is of the later firmware.
 */
export interface LiveSample {
  readonly pulse: number;
  readonly spo2: number;
  /** 0 to 15. */
  readonly signal?: number;
  readonly fingerOut?: boolean;
  readonly droppingSpo2?: boolean;
  readonly beep?: boolean;
  /** 0 to 127. */
  readonly waveform?: number;
  /** 0 to 15. */
  readonly bar?: number;
  readonly probeError?: boolean;
  readonly searching?: boolean;
}

const flag = (value: boolean | undefined, bit: number): number => (value === true ? bit : 0);

/** Five octets, sixty times a second; bit 7 marks the first, and bit 7 of the pulse stands in the third. */
export const liveSample = (sample: LiveSample): Uint8Array =>
  Uint8Array.of(
    0x80 |
      ((sample.signal ?? 0) & 0x0f) |
      flag(sample.fingerOut, 0x10) |
      flag(sample.droppingSpo2, 0x20) |
      flag(sample.beep, 0x40),
    (sample.waveform ?? 0) & 0x7f,
    ((sample.bar ?? 0) & 0x0f) |
      flag(sample.probeError, 0x10) |
      flag(sample.searching, 0x20) |
      ((sample.pulse & 0x80) >> 1),
    sample.pulse & 0x7f,
    sample.spo2 & 0x7f,
  );

/** Three octets for one second of the memory. */
export const recordedSample = ({ pulse, spo2 }: { readonly pulse: number; readonly spo2: number }): Uint8Array =>
  Uint8Array.of(0xf0 | ((pulse >> 7) & 1), 0x80 | (pulse & 0x7f), spo2 & 0x7f);

const PREAMBLE = [0xf2, 0x80, 0x00] as const;

/** Three times the preamble, then the octets of the samples less one in seven bits each, the last one without bit 7. */
export const recordedHeader = (samples: number): Uint8Array => {
  const length = samples * 3 - 1;
  return Uint8Array.of(
    ...PREAMBLE,
    ...PREAMBLE,
    ...PREAMBLE,
    0x80 | ((length >> 14) & 0x7f),
    0x80 | ((length >> 7) & 0x7f),
    length & 0x7f,
  );
};
