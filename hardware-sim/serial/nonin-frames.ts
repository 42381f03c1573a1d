/**
 * Nonin data format 2, from "Onyx II Model 9560 OEM Specification and Technical Information" (6470-000-01), pages 8 to
 * 11: frames of 5 bytes, 75 a second; a packet is 25 frames, 3 a second, and its frames carry one item each.
 */
export const FRAMES_PER_PACKET = 25;
export const FRAME_BYTES = 5;
export const PACKETS_PER_SECOND = 3;

/** "For missing data, the HR equals 511 and the SpO2 equals 127." */
export const MISSING_PULSE = 511;
export const MISSING_SPO2 = 127;

/** What the oximeter sees during one packet (a third of a second). */
export interface OximeterPacket {
  /** 4-beat averages for recording; missing while there is no finger, or none that can be read. */
  readonly pulse: number;
  readonly spo2: number;
  /** Beat-to-beat value, no average. */
  readonly spo2Beat: number;
  /** Formatted for display: held for 10 s after the finger is removed. */
  readonly pulseDisplay: number;
  readonly spo2Display: number;
  /** 1/3 second timer since power-on, 14 bits. */
  readonly timer: number;
  /** 25 samples of the pulse wave, 0 to 255. */
  readonly pleth: readonly number[];
  /** Frame in which a pulse begins; null where none does. */
  readonly beatAt: number | null;
  readonly fingerRemoved: boolean;
  readonly artifact: boolean;
}

const FIRMWARE_REVISION = 48;
/** "1 = high quality SmartPoint measurement", bit 5 of STAT2. */
const SMART_POINT = 0x20;
const PULSE_MARK_FRAMES = 12;

const msb = (value: number): number => (value >> 7) & 0x7f;
const lsb = (value: number): number => value & 0x7f;

/** Byte 4 of frames 1 to 25. Reserved items are 0. */
const itemsOf = (packet: OximeterPacket): readonly number[] => {
  const { pulse, spo2, pulseDisplay, spo2Display, timer } = packet;
  const quality = pulse === MISSING_PULSE ? 0 : SMART_POINT;
  return [
    ...[msb(pulse), lsb(pulse), spo2, FIRMWARE_REVISION, 0],
    ...[msb(timer), lsb(timer), quality, spo2Display, spo2],
    ...[packet.spo2Beat, 0, 0, msb(pulse), lsb(pulse)],
    ...[spo2, spo2Display, 0, 0, msb(pulseDisplay)],
    ...[lsb(pulseDisplay), msb(pulseDisplay), lsb(pulseDisplay), 0, 0],
  ];
};

/** Byte 2: bit 7 always set, artifact 5, out of track 4, sensor alarm 3, green perfusion 1 during a pulse, sync 0. */
const statusOf = (packet: OximeterPacket, frame: number): number => {
  const inPulse = packet.beatAt !== null && frame >= packet.beatAt && frame < packet.beatAt + PULSE_MARK_FRAMES;
  return (
    0x80 |
    (packet.artifact && inPulse ? 0x20 : 0) |
    (packet.artifact ? 0x10 : 0) |
    (packet.fingerRemoved ? 0x08 : 0) |
    (inPulse ? 0x02 : 0) |
    (frame === 0 ? 0x01 : 0)
  );
};

/** One packet: 25 frames of 01, status, pleth, item, sum of the four modulo 256. */
export const noninPacket = (packet: OximeterPacket): Uint8Array => {
  const items = itemsOf(packet);
  const bytes = new Uint8Array(FRAMES_PER_PACKET * FRAME_BYTES);
  for (let frame = 0; frame < FRAMES_PER_PACKET; frame++) {
    const four = [0x01, statusOf(packet, frame), packet.pleth[frame] ?? 0, items[frame] ?? 0];
    bytes.set([...four, four.reduce((sum, byte) => sum + byte, 0) & 0xff], frame * FRAME_BYTES);
  }
  return bytes;
};

/** What a spot check found, and when by the oximeter's own clock (local date and time). */
export interface SpotCheck {
  readonly pulse: number;
  readonly spo2: number;
  readonly time: CivilTime;
  readonly fromMemory: boolean;
  readonly lowBattery: boolean;
}

export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const bcd = (value: number): number => (Math.floor(value / 10) % 10) * 16 + (value % 10);

/**
 * Nonin data format 13, same document, pages 6 and 7: 00 02, packet type 000D, length 000E, 14 bytes of spot-check
 * data (date and time in BCD, status, pulse rate 16 bits, reserved, SpO2), low byte of the sum of those 14, ETX.
 * Status: SPA 0x0200, no measurement 0x0100, from memory 0x0010, low battery 0x0001.
 */
export const noninSpotPacket = (check: SpotCheck): Uint8Array => {
  const missing = check.pulse === MISSING_PULSE || check.spo2 === MISSING_SPO2;
  const status = (missing ? 0x0100 : 0x0200) | (check.fromMemory ? 0x0010 : 0) | (check.lowBattery ? 0x0001 : 0);
  const { year, month, day, hour, minute, second } = check.time;
  const data = [
    ...[Math.floor(year / 100), year % 100, month, day, hour, minute, second, 0].map(bcd),
    ...[status >> 8, status & 0xff, check.pulse >> 8, check.pulse & 0xff, 0, check.spo2],
  ];
  const sum = data.reduce((total, byte) => total + byte, 0) & 0xff;
  return Uint8Array.from([0x00, 0x02, 0x00, 0x0d, 0x00, data.length, ...data, sum, 0x03]);
};
