import type { UpdateMemory } from "../../ota/update/update-state.ts";
import { HubError } from "../../protocol/errors.ts";
import { isoUtc, seconds } from "../../protocol/time.ts";
import { type Args, type DiagnosticCommand, data, type Line, text } from "../diagnostics/command.ts";
import { labelled, WIDTH, wrap } from "../diagnostics/layout.ts";
import { reasonOf, underWay } from "./reported-release.ts";
import type { UpdateDesk, UpdateView } from "./update-desk.ts";

const LABEL_WIDTH = 12;
/** An asker gives up after 30 s without a word: what goes on is told at least this often. */
const TELL_EVERY = seconds(10);
/** A check takes as long as the line: after five minutes of it nobody waits at the console any more. */
const MOST_WAITS = 30;

const put = (label: string, value: string): readonly Line[] => labelled(label, value, LABEL_WIDTH).map(text);
const said = (sentence: string): readonly Line[] => wrap(sentence, WIDTH).map(text);

const noArgs = (name: string, args: Args): void => {
  if (args.length > 0) throw new HubError("invalid-argument", `${name}: takes no further words`);
};

/** What an update does now, in a word or two of people. */
const DOING: Readonly<Record<UpdateMemory["state"]["tag"], string>> = {
  idle: "nothing under way",
  checking: "looking at what the region has signed",
  offered: "found, and may not begin yet",
  downloading: "downloading",
  paused: "the download waits",
  verifying: "checking and unpacking what was downloaded",
  staged: "ready to be tried",
  "waiting-window": "ready, and waits for a moment that harms nobody",
  activating: "about to be tried",
  trial: "on trial",
  committing: "proved itself, and is put in force",
  "rolling-back": "being taken back",
};

const runningText = ({ running, slot, counter, version }: UpdateView): string => {
  const what = running.image === null ? "as installed" : running.image.slice(0, 16);
  const trial = running.isTrial ? `, start ${running.tries} of its trial` : "";
  return `${version} (counter ${counter}), ${what}, slot ${slot}${trial}`;
};

function* stateLines({ memory }: UpdateView): Iterable<Line> {
  const wanted = underWay(memory.state) ?? memory.wanted;
  const why = reasonOf(memory.state);
  yield* put("update", DOING[memory.state.tag]);
  if (wanted !== null)
    yield* put("wanted", `${wanted.target} (counter ${wanted.counter}), campaign ${wanted.campaign}`);
  if (why !== null) yield* put("", why.sentence);
}

const dataOf = (view: UpdateView): Line => {
  const { memory, running, slot, counter, version, trouble, hawkbitTrouble } = view;
  const wanted = underWay(memory.state) ?? memory.wanted;
  const why = reasonOf(memory.state);
  return data({
    running: { ...running, slot, counter, version },
    state: memory.state.tag,
    campaign: wanted?.campaign ?? null,
    target: wanted?.target ?? null,
    counter: wanted?.counter ?? null,
    reason: why === null ? null : { ...why },
    trouble: trouble === null ? null : { ...trouble },
    hawkbitTrouble,
    quarantine: memory.quarantine.map(({ image }) => image),
  });
};

const statusCommand = (desk: UpdateDesk): DiagnosticCommand => ({
  name: "update status",
  summary: "which release runs, and how far an update is",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const view = desk.view();
    yield* put("running", runningText(view));
    yield* stateLines(view);
    const [last] = view.memory.outcomes;
    if (last !== undefined)
      yield* put("last", `${last.wanted.target}: ${last.result}${last.why === null ? "" : `, ${last.why.sentence}`}`);
    if (view.trouble !== null) yield* put("trouble", view.trouble.sentence);
    if (view.hawkbitTrouble !== null) yield* put("hawkBit", view.hawkbitTrouble);
    yield dataOf(view);
    if (view.trouble !== null || view.hawkbitTrouble !== null) yield { tag: "exit", code: 1 };
  },
});

/** Tells how the update goes on, until it waits for something, or rests. */
async function* follow(desk: UpdateDesk, signal: AbortSignal): AsyncIterable<Line> {
  let told = "";
  for (let waits = 0; waits < MOST_WAITS && !signal.aborted; waits += 1) {
    const view = desk.view();
    const { state, outcomes } = view.memory;
    const now = `${state.tag} ${reasonOf(state)?.code ?? ""}`;
    if (now !== told) yield* stateLines(view);
    told = now;
    const isResting = state.tag === "idle" || state.tag === "paused" || reasonOf(state) !== null;
    if (isResting) {
      const [last] = outcomes;
      if (state.tag === "idle" && last !== undefined) yield* put("last", `${last.wanted.target}: ${last.result}`);
      if (state.tag === "idle" && last?.why != null) yield* said(last.why.sentence);
      yield dataOf(view);
      return;
    }
    await desk.changed(view.memory, TELL_EVERY, signal);
    yield text(".");
  }
  yield* said("it goes on by itself; update status shows how far it is");
  yield dataOf(desk.view());
}

const checkCommand = (desk: UpdateDesk): DiagnosticCommand => ({
  name: "update check",
  summary: "look now at what the region has signed",
  role: "service",
  async *run(args, signal): AsyncIterable<Line> {
    noArgs("update check", args);
    if (!(await desk.check())) {
      yield* said("the region wants nothing else than what runs here");
      yield dataOf(desk.view());
      return;
    }
    yield* follow(desk, signal);
  },
});

const installCommand = (desk: UpdateDesk): DiagnosticCommand => ({
  name: "update install",
  usage: "[folder]",
  summary: "install now, between two measurements; from a stick: its folder",
  role: "service",
  async *run([folder, ...more], signal): AsyncIterable<Line> {
    if (more.length > 0) throw new HubError("invalid-argument", "update install: give one folder, or none");
    await desk.install(folder ?? null);
    yield* follow(desk, signal);
  },
});

const rollbackCommand = (desk: UpdateDesk): DiagnosticCommand => ({
  name: "update rollback",
  summary: "take back a release on trial, or give up an update under way",
  role: "service",
  async *run(args): AsyncIterable<Line> {
    noArgs("update rollback", args);
    const target = await desk.takeBack();
    yield* said(`${target} is taken back; where it runs already, the hub starts again with the release before`);
    yield data({ target });
  },
});

const historyCommand = (desk: UpdateDesk): DiagnosticCommand => ({
  name: "update history",
  summary: "how updates ended, newest first",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const { outcomes, quarantine } = desk.view().memory;
    if (outcomes.length === 0) yield text("no update has ended here");
    for (const { result, wanted, why, at } of outcomes) {
      yield* put(
        at === null ? "time unknown" : isoUtc(at).slice(0, 10),
        `${result}: ${wanted.target} (${wanted.campaign})`,
      );
      if (why !== null) yield* put("", `${why.code}: ${why.sentence}`);
    }
    for (const { image, why } of quarantine) yield* put("never again", `${image.slice(0, 16)}: ${why.sentence}`);
    yield data({
      outcomes: outcomes.map(({ result, wanted, image, why, at }) => ({
        result,
        campaign: wanted.campaign,
        target: wanted.target,
        counter: wanted.counter,
        image,
        code: why?.code ?? null,
        reason: why?.sentence ?? null,
        at: at === null ? null : isoUtc(at),
      })),
      quarantine: quarantine.map(({ image, why }) => ({ image, code: why.code, reason: why.sentence })),
    });
  },
});

/** What a technician asks and does about updates. */
export const updateCommands = (desk: UpdateDesk): readonly DiagnosticCommand[] => [
  statusCommand(desk),
  checkCommand(desk),
  installCommand(desk),
  rollbackCommand(desk),
  historyCommand(desk),
];
