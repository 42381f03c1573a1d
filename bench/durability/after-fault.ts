import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBroker, type MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import { encodeMessage } from "../../protocol/messages.ts";
import type { Reading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import { READING, RECEIPT } from "../../tests/forward/support/hub-under-test.ts";
import { examine, promisesOf } from "../../tests/power-cut/outbox-check.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { deliver } from "./delivery.ts";
import { holdToAccount, namedByBytes, namedByIdem } from "./measured.ts";
import type { Outside } from "./outside.ts";
import { createRegionLedger, type RegionLedger } from "./region-ledger.ts";

/** What one fault did. */
export interface Aftermath {
  readonly taken: number;
  readonly lost: number;
  readonly altered: number;
  readonly doubled: number;
  readonly sentAgain: number;
  /** Other broken promises, as sentences. */
  readonly broken: readonly string[];
  /** A sound disk was taken for damaged. Nothing is lost by it, and somebody is alarmed. */
  readonly falseAlarm: boolean;
  readonly recoveryMs: number;
}

interface Started extends AsyncDisposable {
  readonly outbox: SqliteOutbox;
  readonly recoveryMs: number;
}

const start = async (directory: string, clock: SimulatedClock): Promise<Started> => {
  const startedAt = performance.now();
  const outbox = await openSqliteOutbox({ directory, clock, logger: silentLogger });
  return {
    outbox,
    recoveryMs: performance.now() - startedAt,
    [Symbol.asyncDispose]: () => outbox[Symbol.asyncDispose](),
  };
};

const decoder = new TextDecoder();

/** A broker that is well, with the region behind it, which answers as long as `signal` lets it. */
const wayTo = (region: RegionLedger, clock: SimulatedClock, signal: AbortSignal): MemoryBroker => {
  const answer = (): void => {
    const { receipt, changesAt } = region.receipt(clock.elapsed());
    broker.send(RECEIPT, encodeMessage(receipt));
    if (changesAt === null) return;
    // Only the end of the check interrupts the wait, and nobody waits for that answer any more.
    clock.sleep(millis(changesAt - clock.elapsed()), signal).then(answer, () => undefined);
  };
  const broker: MemoryBroker = createMemoryBroker({
    onDelivered: ({ topic, payload }) => {
      if (topic !== READING) return;
      region.receive(decoder.decode(payload), clock.elapsed());
      answer();
    },
  });
  return broker;
};

/**
 * The sensors send again what they have, acknowledged or not. Returns the numbers that all of it has now, and in `moved`
 * how many acknowledged measurements got another one.
 */
const sendAgain = async (outbox: SqliteOutbox, { measured, stored }: Outside) => {
  const numbers = [...measured];
  const again = await outbox.append(numbers.map(namedByBytes.make));
  const before = new Map([...stored].map(([seq, n]) => [n, seq]));
  const acknowledged = new Map(stored);
  let moved = 0;
  for (const [i, n] of numbers.entries()) {
    const seq = again[i]?.seq ?? 0;
    const known = before.get(n);
    if (known === undefined) acknowledged.set(seq, n);
    else if (known !== seq) moved += 1;
  }
  return { acknowledged, moved };
};

/**
 * Start the outbox on the files that a fault left, and bring everything to the region, which has what it had: there the
 * acknowledged readings are looked for. Then the sensors send again, and the effects of everything are counted.
 */
export const afterLinkFault = async (
  directory: string,
  outside: Outside,
  validate: ReadingValidator,
): Promise<Aftermath> => {
  const { stored, published } = outside;
  const clock = createSimulatedClock();
  const region = createRegionLedger(validate);
  for (const payload of published) region.receive(payload, clock.elapsed());
  const closing = new AbortController();
  const broker = wayTo(region, clock, closing.signal);
  await using started = await start(directory, clock);
  const { outbox, recoveryMs } = started;
  const broken: string[] = [];

  await deliver(clock, broker, outbox);
  // Before the sensors send again: a reading that was lost would come back with them.
  const first = holdToAccount(region.effects(), stored, namedByBytes);
  const { acknowledged, moved } = await sendAgain(outbox, outside);
  if (moved > 0) broken.push(`${moved} acknowledged measurements were stored again under another number`);
  if (!(await deliver(clock, broker, outbox))) broken.push("readings still wait after two minutes of a good link");
  closing.abort();

  const all = holdToAccount(region.effects(), acknowledged, namedByBytes);
  return {
    taken: stored.size,
    lost: Math.max(first.lost, all.lost),
    altered: Math.max(first.altered, all.altered),
    doubled: all.doubled,
    sentAgain: region.sentAgain,
    broken,
    falseAlarm: outbox.recovered !== null,
    recoveryMs,
  };
};

/** Most readings in one message to the region. */
const BATCH = 500;

/**
 * The same for a recording of outbox-workload.ts. Its region is whoever settles: it has what it settled or refused, and
 * gets the rest without a link.
 */
export const afterOutboxFault = async (
  directory: string,
  lines: readonly string[],
  validate: ReadingValidator,
): Promise<Aftermath> => {
  const clock = createSimulatedClock();
  const region = createRegionLedger(validate);
  const promises = promisesOf(lines);
  const { stored, mayGo, mayBeRefused } = promises;
  await using started = await start(directory, clock);
  const { outbox, recoveryMs } = started;
  const send = (batch: readonly Reading[]): void =>
    region.receive(decoder.decode(encodeMessage({ series: outbox.series, batch })), clock.elapsed());

  const settled = [...stored].filter(([seq]) => seq <= mayGo || mayBeRefused.has(seq));
  send(settled.map(([seq, n]) => ({ ...namedByIdem.make(n), seq }) as Reading));
  const { lost, altered, twice, broken } = await examine(outbox, promises, true);
  for (let batch = await outbox.next(0, BATCH); batch.length > 0; ) {
    send(batch);
    batch = await outbox.next(batch.at(-1)?.seq ?? 0, BATCH);
  }
  const held = holdToAccount(region.effects(), stored, namedByIdem);
  return {
    taken: stored.size,
    lost: Math.max(lost.length, held.lost),
    altered: Math.max(altered.length, held.altered),
    doubled: held.doubled + twice.length,
    sentAgain: region.sentAgain,
    broken,
    falseAlarm: outbox.recovered !== null,
    recoveryMs,
  };
};
