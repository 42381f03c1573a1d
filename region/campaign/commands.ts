import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { messageOf } from "../../protocol/errors.ts";
import { addFleet, takeReports, tallyOf } from "./account.ts";
import {
  bucketMaxOf,
  type Campaign,
  type CampaignRecord,
  SOAK_HOURS,
  STEPS,
  startCampaign,
  stopCampaign,
  URGENCIES,
  type Urgency,
  wantedRelease,
} from "./campaign.ts";
import { openCampaignFile } from "./campaign-file.ts";
import { advanceCampaign } from "./decide.ts";
import { type HubReport, parseHubReport } from "./hub-report.ts";
import { signedTerms } from "./release-terms.ts";

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const remark = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** The part of `desired` to publish, retained, to every hub of the campaign's hardware. */
const sayWanted = (record: CampaignRecord): void => say(JSON.stringify({ release: wantedRelease(record) }));

/** Unreadable lines are told and left out: one hub's nonsense must not keep the others from being counted. */
const readReports = async (from: string): Promise<readonly HubReport[]> => {
  const lines = createInterface({ input: from === "-" ? process.stdin : createReadStream(from) });
  const reports: HubReport[] = [];
  let nth = 0;
  for await (const line of lines) {
    nth += 1;
    if (line.trim() === "") continue;
    try {
      reports.push(parseHubReport(line));
    } catch (thrown) {
      remark(`${from}, line ${nth}: ${messageOf(thrown)}; left out`);
    }
  }
  return reports;
};

const readFleet = async (file: string | undefined): Promise<readonly string[]> => {
  if (file === undefined) return [];
  const text = await readFile(file, "utf8");
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
};

const phaseWords = (record: CampaignRecord): string => {
  const { phase } = record;
  if (phase.tag === "stopped") return `stopped ${new Date(phase.at).toISOString()}: ${phase.why}`;
  if (phase.tag === "complete") return `complete ${new Date(phase.at).toISOString()}`;
  return `step ${phase.step + 1} of ${STEPS.length}, ${bucketMaxOf(record) / 100} % of the hubs`;
};

const sayRecord = (record: CampaignRecord, now: number): void => {
  const { name, target, counter, hardware } = record.campaign;
  const { asked, installed, rolledBack, rejected, waiting, silent, missing } = tallyOf(record, now);
  say(`${name}: ${target}, counter ${counter}, for ${hardware.join(", ")}: ${phaseWords(record)}`);
  say(
    `  ${asked} hubs: ${installed} installed, ${rolledBack} rolled back, ${rejected} rejected, ${waiting} waiting (${missing} silent since their trial), ${silent} silent`,
  );
};

interface StartOptions {
  readonly name: string;
  readonly repository: string;
  readonly target: string;
  readonly fleet?: string;
  readonly notBefore?: string;
  readonly window?: string;
  readonly urgency: string;
  readonly soakHours: string;
}

const WINDOW = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;
/** As hubs take it. In characters. */
const LONGEST_NAME = 64;

const isUrgency = (text: string): text is Urgency => URGENCIES.includes(text);

const campaignOf = async (options: StartOptions): Promise<Campaign> => {
  const { name, repository, target, notBefore, window = null, urgency, soakHours } = options;
  const wrong = (found: string): Error => new Error(`campaign start: ${found}`);
  if (name === "" || name.length > LONGEST_NAME) throw wrong(`--name takes 1 to ${LONGEST_NAME} characters`);
  if (!isUrgency(urgency)) throw wrong(`--urgency ${urgency}: use ${URGENCIES.join(", ")}`);
  if (window !== null && !WINDOW.test(window)) throw wrong(`--window ${window}: use 02:00-05:00`);
  const soak = Number(soakHours);
  if (!(soak >= 0)) throw wrong(`--soak-hours ${soakHours}: use a number of hours`);
  const from = notBefore === undefined ? null : new Date(notBefore);
  if (from !== null && Number.isNaN(from.getTime())) throw wrong(`--not-before ${notBefore}: use 2026-12-01T02:00:00Z`);
  const terms = await signedTerms(repository, target);
  return { name, target, ...terms, notBefore: from?.toISOString() ?? null, window, urgency, soakHours: soak };
};

const recordOf = (records: readonly CampaignRecord[], name: string): CampaignRecord => {
  const found = records.find(({ campaign }) => campaign.name === name);
  if (found !== undefined) return found;
  const known = records.map(({ campaign }) => campaign.name).join(", ") || "none";
  throw new Error(`campaign: there is no ${name} in the file; it has: ${known}`);
};

const replaced = (records: readonly CampaignRecord[], by: CampaignRecord): readonly CampaignRecord[] =>
  records.map((record) => (record.campaign.name === by.campaign.name ? by : record));

/** `release campaign ...`: what to publish goes to stdout, what was decided and why to stderr. */
export const addCampaignCommands = (program: Command, now: () => number): void => {
  const campaigns = program
    .command("campaign")
    .description("bring a published release to hubs step by step, and stop where it fails");

  campaigns
    .command("start <file>")
    .description("begin with one hub of a thousand; <file> keeps the account")
    .requiredOption("--name <name>", "name of the campaign, never used before")
    .requiredOption("--repository <folder>", "where the release is published")
    .requiredOption("--target <path>", "path of the release's target")
    .option("--fleet <file>", "ids of all hubs, one a line; those that never report count as silent")
    .option("--not-before <time>", "ISO 8601")
    .option("--window <from-to>", "part of the home's own day, such as 02:00-05:00")
    .option("--urgency <urgency>", URGENCIES.join(", "), "routine")
    .option("--soak-hours <hours>", "how long enough hubs run it before more get it", String(SOAK_HOURS))
    .action(async (file: string, options: StartOptions) => {
      const [campaign, fleet] = [await campaignOf(options), await readFleet(options.fleet)];
      const started = await openCampaignFile(file).change(async (records) => {
        const record = addFleet(startCampaign(campaign, records), fleet);
        return [[...records, record], record];
      });
      remark(`${campaign.name}: started, ${phaseWords(started)}`);
      sayWanted(started);
    });

  campaigns
    .command("advance <file> <name>")
    .description("count the hubs' reports, then widen, hold or stop; say what to publish")
    .option("--reports <file>", "`reported` messages, one a line; - for stdin")
    .option("--fleet <file>", "ids of all hubs, one a line")
    .option("--by-hand", "widen one step also where this would hold")
    .action(async (file: string, name: string, options: { reports?: string; fleet?: string; byHand?: true }) => {
      const reports = options.reports === undefined ? [] : await readReports(options.reports);
      const fleet = await readFleet(options.fleet);
      const { record, decision } = await openCampaignFile(file).change(async (records) => {
        const counted = takeReports(addFleet(recordOf(records, name), fleet), reports, now());
        const advanced = advanceCampaign(counted, now(), options.byHand);
        return [replaced(records, advanced.record), advanced];
      });
      remark(`${name}: ${decision.tag}: ${decision.sentence}`);
      sayWanted(record);
    });

  campaigns
    .command("stop <file> <name>")
    .description("nobody else begins; hubs in their trial end it; for good")
    .option("--because <reason>", "for the account", "stopped by hand")
    .action(async (file: string, name: string, { because }: { because: string }) => {
      const record = await openCampaignFile(file).change(async (records) => {
        const stopped = stopCampaign(recordOf(records, name), because, now());
        return [replaced(records, stopped), stopped];
      });
      remark(`${name}: ${phaseWords(record)}`);
      sayWanted(record);
    });

  campaigns
    .command("status <file>")
    .description("how far each campaign is, and what became of its hubs")
    .option("--json", "for programs")
    .action(async (file: string, { json }: { json?: true }) => {
      const records = await openCampaignFile(file).read();
      if (json) {
        const views = records.map((record) => {
          const { campaign, phase } = record;
          return { campaign, phase, hubs: tallyOf(record, now()), wanted: wantedRelease(record) };
        });
        say(JSON.stringify(views));
      } else if (records.length === 0) say("no campaign was started");
      else for (const record of records) sayRecord(record, now());
    });
};
