import { HubError } from "../../protocol/errors.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import { type Args, type DiagnosticCommand, data, type Json, type Line, text } from "./command.ts";
import { WIDTH, wrap } from "./layout.ts";
import type { PairingDesk, PairingMethod, PairingView } from "./pairing-desk.ts";

/** An asker over the socket gives up after 30 s without a word, and is cut off after 60 s: 5 x 10 s are 50 s. */
const TELL_EVERY: Millis = seconds(10);
const MOST_SILENCES = 5;

const usageError = ({ name, usage }: Pick<DiagnosticCommand, "name" | "usage">): HubError =>
  new HubError("invalid-argument", `${name}: expected ${name} ${usage ?? ""}`.trimEnd());

const said = (sentence: string): Line[] => wrap(sentence, WIDTH).map(text);

const TODO: Readonly<Record<PairingMethod, (id: string) => string>> = {
  "just-works": () => "No code is needed.",
  passkey: (id) =>
    `It has a passkey of six digits, printed on it or shown by it: type sensor passkey ${id} 123456 when asked, or before.`,
  "numeric-comparison": (id) =>
    `It will show six digits: compare them with those shown here, then type sensor confirm ${id} yes or no.`,
};

const instructions = (view: PairingView, method: PairingMethod): Line[] => [
  ...said(`pairing window of ${view.sensor} open for ${view.leftS ?? 0} s`),
  ...said(
    `Hold the sensor near the hub and put it into pairing mode, as its manual says. ${TODO[method](view.sensor)}`,
  ),
  ...said(`sensor pair ${view.sensor} cancel closes the window; sensor bond ${view.sensor} shows how far it is.`),
];

/** What a technician reads at this stage. */
const stageLines = ({ sensor, stage, failed, leftS }: PairingView): Line[] => {
  switch (stage.tag) {
    case "waiting": {
      const again = failed === null ? "" : `attempt failed: ${failed}. `;
      return said(`${again}Waiting for the sensor, the window is open for ${leftS ?? 0} s more`);
    }
    case "pairing":
      return said("the sensor answers, pairing");
    case "passkey-asked":
      return said(`type the sensor's six digits within 30 s: sensor passkey ${sensor} 123456`);
    case "passkey-shown":
      return said(`type ${stage.passkey} at the sensor within 30 s`);
    case "comparing":
      return said(
        `number ${stage.number}: does the sensor show the same? sensor confirm ${sensor} yes (or no), in 30 s`,
      );
    case "paired":
      return said(`${sensor} is paired`);
    case "closed":
      return stage.sentence === null ? [] : said(`pairing window closed: ${stage.sentence}`);
  }
};

const isOver = ({ stage }: PairingView): boolean => stage.tag === "paired" || stage.tag === "closed";
const needsAnswer = ({ stage }: PairingView): boolean => stage.tag === "passkey-asked" || stage.tag === "comparing";

const dataOf = (view: PairingView): Line => data({ ...view, stage: { ...view.stage } });

/** Tells how the pairing goes on until it is over, a person has to answer, or nothing has happened for a while. */
async function* follow(desk: PairingDesk, from: PairingView, signal: AbortSignal): AsyncIterable<Line> {
  let view = from;
  for (let silences = 0; !isOver(view) && !needsAnswer(view) && silences < MOST_SILENCES; ) {
    const next = await desk.next(view, TELL_EVERY, signal);
    if (next.stage.tag === view.stage.tag && next.failed === view.failed) silences += 1;
    view = next;
    yield* stageLines(view);
    yield dataOf(view);
  }
  if (view.stage.tag === "closed") yield { tag: "exit", code: 1 };
}

const pairCommand = (desk: PairingDesk): DiagnosticCommand => ({
  name: "sensor pair",
  summary: "open a pairing window for a sensor",
  usage: "<id> [cancel]",
  role: "service",
  async *run([id, word, ...more]: Args, signal): AsyncIterable<Line> {
    if (id === undefined || more.length > 0 || (word !== undefined && word !== "cancel")) throw usageError(this);
    if (word === "cancel") {
      const view = desk.cancel(id);
      yield* stageLines(view);
      yield dataOf(view);
      return;
    }
    const view = desk.open(id);
    yield* instructions(view, desk.methodOf(id));
    yield dataOf(view);
    yield* follow(desk, view, signal);
  },
});

const passkeyCommand = (desk: PairingDesk): DiagnosticCommand => ({
  name: "sensor passkey",
  summary: "the six digits of a sensor being paired",
  usage: "<id> <digits>",
  role: "service",
  async *run([id, digits, ...more]: Args, signal): AsyncIterable<Line> {
    if (id === undefined || digits === undefined || more.length > 0) throw usageError(this);
    if (!/^\d{6}$/.test(digits)) {
      throw new HubError("invalid-argument", `sensor passkey ${id}: expected six digits, as the sensor has them`);
    }
    const view = desk.passkey(id, Number(digits));
    if (view.stage.tag === "waiting") yield* said("kept until the sensor is heard");
    yield dataOf(view);
    yield* follow(desk, view, signal);
  },
});

const confirmCommand = (desk: PairingDesk): DiagnosticCommand => ({
  name: "sensor confirm",
  summary: "whether sensor and hub show the same number",
  usage: "<id> yes|no",
  role: "service",
  async *run([id, answer, ...more]: Args, signal): AsyncIterable<Line> {
    if (id === undefined || more.length > 0 || (answer !== "yes" && answer !== "no")) throw usageError(this);
    const view = desk.confirm(id, answer === "yes");
    yield* stageLines(view);
    yield dataOf(view);
    yield* follow(desk, view, signal);
  },
});

const bondCommand = (desk: PairingDesk): DiagnosticCommand => ({
  name: "sensor bond",
  summary: "whether a sensor is paired, since when and how",
  usage: "<id>",
  role: "view",
  async *run([id, ...more]: Args): AsyncIterable<Line> {
    if (id === undefined || more.length > 0) throw usageError(this);
    const [bond, view] = [desk.bond(id), desk.view(id)];
    if (bond === null) yield* said(`${id}: not paired`);
    else {
      const since = bond.since === null ? "paired" : `paired since ${bond.since.slice(0, 16)}Z`;
      const method = bond.method ?? "keys and method kept by BlueZ";
      const sure = { true: ", authenticated", false: ", not authenticated", null: "" }[`${bond.authenticated}`];
      yield* said(`${id}: ${since}, ${method}${sure}`);
    }
    yield* stageLines(view);
    const shown: Json = bond === null ? null : { ...bond };
    yield data({ sensor: id, bond: shown, pairing: { ...view, stage: { ...view.stage } } });
  },
});

const forgetCommand = (desk: PairingDesk): DiagnosticCommand => ({
  name: "sensor forget",
  summary: "remove the bond of a sensor",
  usage: "<id> confirm",
  role: "service",
  async *run([id, word, ...more]: Args): AsyncIterable<Line> {
    if (id === undefined || more.length > 0 || (word !== undefined && word !== "confirm")) throw usageError(this);
    const bond = desk.bond(id);
    if (bond === null) throw new HubError("invalid-argument", `sensor ${id}: not paired, there is no bond to remove`);
    if (word === undefined) {
      const since = bond.since === null ? "" : ` of ${bond.since.slice(0, 10)}`;
      const next = `it is read no more until it is paired again; sensor forget ${id} confirm removes it`;
      throw new HubError("invalid-argument", `sensor ${id}: without its bond${since} ${next}`);
    }
    await desk.forget(id);
    yield* said(`bond of ${id} removed; delete it at the sensor too, then sensor pair ${id} pairs it anew`);
    yield data({ sensor: id, bond: null });
  },
});

/** Commands with which a technician pairs the sensors of a home. */
export const pairingCommands = (desk: PairingDesk): readonly DiagnosticCommand[] =>
  [pairCommand, passkeyCommand, confirmCommand, bondCommand, forgetCommand].map((define) => define(desk));
