import { fromHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";
import type { Chance } from "../radio/seeded.ts";
import { aborted, type Bell } from "./bell.ts";
import type { IndicationOutcome } from "./gatt-connection.ts";
import type { PeripheralConnection } from "./peripheral.ts";
import {
  type AccessEffect,
  type AccessEvent,
  type AccessState,
  type AccessStep,
  IDLE,
  nextAccess,
} from "./record-access.ts";
import { ACCESS_OP, ACCESS_RESULT, type AccessErrors, accessResponse } from "./record-access-codes.ts";
import type { RecordFaults } from "./record-faults.ts";
import type { AccessCapabilities } from "./record-filter.ts";
import type { RecordMemory, RecordPart, StoredRecord } from "./record-memory.ts";

/** The control point. */
export const ACCESS_POINT = "2a52";

export interface RecordAccessOptions<V> {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly bell: Bell;
  readonly memory: RecordMemory<V>;
  /** Characteristic of the records, and how it tells them. */
  readonly record: { readonly uuid: string; readonly push: "notify" | "indicate" };
  readonly capabilities: AccessCapabilities<StoredRecord<V>>;
  readonly errors: AccessErrors;
  /** Between two records of a report. */
  readonly recordInterval: Millis;
  /** After the last procedure the sensor ends the link. */
  readonly afterwards: Millis | "stay";
  /** A record that is measured while the link stands goes out at once, to who subscribed to it. */
  readonly live: boolean;
  /** Most records in one notification; more than 1 only where a value may hold several. */
  readonly together: number;
  faults(): RecordFaults;
  /** Uses up one refusal. */
  refused(): void;
  /** Sends what the general fault `earlyIndication` asks for, right at the start. */
  readonly early: boolean;
  dropsSilently(): boolean;
  tell(tag: "sent" | "confirmed", id: number): void;
}

export interface RecordAccessServer {
  /** The central wrote the control point; an ATT error code refuses it. */
  write(value: Uint8Array): number | null;
  /** Serves the link until it is over. */
  run(): Promise<void>;
}

/** Op code and handle (Core Vol 3 Part F 3.4.7.1). */
const NOTIFICATION_HEADER = 3;

/** A left-over answer of an earlier link, which some sensors indicate before anybody asked. */
const STALE_ANSWER = accessResponse(ACCESS_OP.REPORT, ACCESS_RESULT.SUCCESS);

/** The Record Access Control Point towards one central: runs the effects of `nextAccess`, with the faults in between. */
export const createRecordAccessServer = <V>(
  connection: PeripheralConnection,
  options: RecordAccessOptions<V>,
): RecordAccessServer => {
  const { clock, chance, memory, bell, record: target, capabilities, errors, faults } = options;
  const { gatt, link, over } = connection;
  const effects: AccessEffect[] = [];
  let state: AccessState = IDLE;
  let reported: number[] = [];
  let served = 0;
  /** Records up to this one were there before the link. */
  let seen = memory.truth.length;

  const step = (event: AccessEvent): AccessStep =>
    nextAccess(state, event, { records: memory.held, capabilities, errors });

  const shuffled = (ids: readonly number[]): readonly number[] =>
    ids
      .map((id) => ({ id, rank: chance.fraction() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ id }) => id);

  const take = (next: AccessStep): void => {
    state = next.state;
    effects.push(...next.effects);
  };

  const settle = (outcome: IndicationOutcome): boolean => {
    // After a transaction timeout the bearer may not be used again (Core Vol 3 Part F 3.3.3).
    if (outcome === "timeout") link.disconnect();
    return outcome === "confirmed";
  };

  const confirm = (ids: readonly number[]): void => {
    const fresh = ids.filter((id) => memory.find(id)?.confirmedAt === null);
    memory.confirm(fresh, clock.now());
    for (const id of fresh) options.tell("confirmed", id);
  };

  const pushPart = async (part: RecordPart, uninvited: boolean): Promise<boolean> => {
    const value = fromHex(part.valueHex);
    if (target.push === "notify") return gatt.notify(part.characteristic, value);
    return settle(await gatt.indicate(part.characteristic, value, { uninvited }));
  };

  const mark = (record: StoredRecord<V>): void => {
    memory.markSent(record.id, clock.now());
    options.tell("sent", record.id);
    // An indication is confirmed for itself; what is notified is safe with the answer of the report.
    if (target.push === "indicate") confirm([record.id]);
  };

  const pushRecord = async (record: StoredRecord<V>, uninvited = false): Promise<boolean> => {
    let taken = false;
    for (const [index, part] of record.parts.entries()) {
      const went = await pushPart(part, uninvited);
      if (index === 0) taken = went;
    }
    if (taken) mark(record);
    return taken;
  };

  /** Several records one after another in one notification. */
  const pushTogether = async (records: readonly StoredRecord<V>[]): Promise<boolean> => {
    const valueHex = records.map((record) => record.valueHex).join("");
    const taken = await pushPart({ characteristic: target.uuid, valueHex }, false);
    if (taken) records.forEach(mark);
    return taken;
  };

  const drop = (): void => {
    if (options.dropsSilently()) link.vanish();
    else link.disconnect();
  };

  /** Takes the records that go out with this one off the report: while they are due, wanted and fit. */
  const joinedBy = (first: StoredRecord<V>): readonly StoredRecord<V>[] => {
    const joined = [first];
    let octets = first.valueHex.length / 2;
    while (state.tag === "reporting" && joined.length < options.together) {
      const next = memory.find(state.left[0] ?? 0);
      octets += (next?.valueHex.length ?? 0) / 2;
      if (next === null || octets > gatt.mtu - NOTIFICATION_HEADER) break;
      joined.push(next);
      state = step({ tag: "due" }).state;
    }
    return joined;
  };

  const report = async (id: number): Promise<void> => {
    const record = memory.find(id);
    if (record === null) return;
    const joined = joinedBy(record);
    const push = (): Promise<boolean> => (joined.length > 1 ? pushTogether(joined) : pushRecord(record));
    if (await push()) reported = [...new Set([...reported, ...joined.map((one) => one.id)])];
    if (chance.happens(faults().duplicateRecord)) await push();
    const { dropAfterRecords } = faults();
    if (dropAfterRecords !== null && reported.length >= dropAfterRecords) drop();
  };

  const answer = async (value: Uint8Array): Promise<void> => {
    const delivered = reported;
    reported = [];
    const withheld = faults().withholdsAnswer;
    if (!withheld && settle(await gatt.indicate(ACCESS_POINT, value))) confirm(delivered);
    served += 1;
    take(step({ tag: "answered" }));
  };

  const perform = async (effect: AccessEffect): Promise<void> => {
    if (effect.tag === "answer") return answer(effect.value);
    if (effect.tag === "erase") return memory.erase(effect.ids, clock.now());
    if (effect.tag !== "push") return;
    const isLast = state.tag === "reporting" && state.left.length === 0;
    if (!isLast || !faults().answersEarly) return report(effect.id);
    // The answer overtakes the last record.
    take(step({ tag: "due" }));
    effects.push(effect);
  };

  /** The next record that was measured during this link; null while there is none, or nobody listens. */
  const nextLive = (): StoredRecord<V> | null => {
    if (!options.live || gatt.subscription(target.uuid) !== target.push) return null;
    return memory.held.find(({ id }) => id > seen) ?? null;
  };

  const goLive = async (record: StoredRecord<V>): Promise<boolean> => {
    if (!(await pushRecord(record))) return false;
    seen = record.id;
    return true;
  };

  const sendEarly = async (): Promise<void> => {
    const newest = memory.held.at(-1);
    if (target.push === "indicate" && newest !== undefined) await pushRecord(newest, true);
    else settle(await gatt.indicate(ACCESS_POINT, STALE_ANSWER, { uninvited: true }));
  };

  return {
    write: (value) => {
      if (faults().refuseAccess > 0) {
        options.refused();
        return errors.inProgress;
      }
      if (faults().ignoresRequests) return null;
      const hears = value[0] !== ACCESS_OP.REPORT || gatt.subscription(target.uuid) === target.push;
      const ready = hears && gatt.subscription(ACCESS_POINT) === "indicate";
      const next = step({ tag: "written", value, ready });
      const [first] = next.effects;
      if (first?.tag === "refuse") return first.code;
      // An abort: what waits to go out does not go any more.
      effects.splice(0);
      reported = [];
      take(next);
      if (state.tag === "reporting" && faults().outOfOrder) state = { ...state, left: shuffled(state.left) };
      bell.ring();
      return null;
    },
    run: async () => {
      if (options.early) await sendEarly();
      while (!over.aborted) {
        const changed = AbortSignal.any([over, bell.next()]);
        const effect = effects.shift();
        const live = nextLive();
        if (effect !== undefined) await perform(effect);
        else if (live !== null) {
          if (!(await goLive(live))) await aborted(changed);
        } else if (state.tag === "reporting") {
          await clock.sleep(options.recordInterval, changed).then(
            () => take(step({ tag: "due" })),
            // The bell or the end of the link came first.
            () => undefined,
          );
        } else if (state.tag === "idle" && served > 0 && options.afterwards !== "stay") {
          await clock.sleep(options.afterwards, changed).then(
            () => link.disconnect(),
            () => undefined,
          );
        } else await aborted(changed);
      }
    },
  };
};
