import { readFile } from "node:fs/promises";
import { connectAsync } from "mqtt";
import { account, emptyLedger, type Ledger, statementOf } from "../hardware-sim/region/ledger.ts";
import type { Seq } from "../protocol/ids.ts";
import { encodeMessage } from "../protocol/messages.ts";
import { millis } from "../protocol/time.ts";

/*
 * A region that does nothing but account for numbers and send receipts, as sparingly as can be: `node
 * bench/answering-region.ts CONFIG`. What a region does with readings is not the hub's cost, and this machine has few
 * cores. The rules of its receipts are those of hardware-sim/region.
 */

interface Config {
  readonly url: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly readingTopic: string;
  readonly receiptTopic: string;
}

const RULES = { grace: millis(500), maxMissing: 256 };
const SERIES = /"series":"([0-9a-f]+)"/;
/** The series stands in them. */
const HEAD_BYTES = 100;
const SEQ = Buffer.from('"seq":');
const ZERO = 48;

const config = JSON.parse(process.argv[2] ?? "{}") as Config;
let ledger: Ledger = emptyLedger;
let series: string | null = null;
let sending = false;
let dirty = false;

const client = await connectAsync(config.url, {
  ca: await readFile(config.ca),
  cert: await readFile(config.certificate),
  key: await readFile(config.key),
  protocolVersion: 5,
  clientId: `region-${process.pid}`,
});

const numbersIn = function* (payload: Buffer): Iterable<number> {
  for (let at = payload.indexOf(SEQ); at >= 0; at = payload.indexOf(SEQ, at)) {
    at += SEQ.length;
    let seq = 0;
    for (let digit = (payload[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (payload[at] ?? 0) - ZERO) {
      seq = seq * 10 + digit;
      at += 1;
    }
    yield seq;
  }
};

const answer = async (): Promise<void> => {
  sending = true;
  while (dirty) {
    dirty = false;
    const { through, missing, changesAt } = statementOf(ledger, millis(performance.now()), RULES);
    if (changesAt !== null) setTimeout(ask, changesAt - performance.now() + 1);
    const receipt = {
      series,
      through: through as Seq,
      refused: [],
      missing: missing as readonly (readonly [Seq, Seq])[],
    };
    await client.publishAsync(config.receiptTopic, Buffer.from(encodeMessage(receipt)), { qos: 1 });
  }
  sending = false;
};

const ask = (): void => {
  dirty = true;
  if (!sending) void answer();
};

client.on("message", (_topic, payload) => {
  const named = SERIES.exec(payload.toString("latin1", 0, HEAD_BYTES))?.[1] ?? null;
  if (named !== series) ledger = emptyLedger;
  series = named;
  const at = millis(performance.now());
  for (const seq of numbersIn(payload)) ledger = account(ledger, seq, at);
  ask();
});
await client.subscribeAsync(config.readingTopic, { qos: 1 });
process.stdout.write("subscribed\n");
