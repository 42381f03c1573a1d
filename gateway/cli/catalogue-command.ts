import { join } from "node:path";
import { readCatalogueFolder, SHIPPED_CATALOGUE } from "../../drivers/catalogue/catalogue.ts";
import { type CatalogueEntry, statusOf } from "../../drivers/catalogue/entry.ts";
import { firmwareRangeText } from "../../drivers/catalogue/firmware.ts";
import { type LintKnowledge, lintCatalogue } from "../../drivers/catalogue/lint.ts";
import { problemText } from "../../drivers/catalogue/problem.ts";
import { publishableQuantities } from "../../drivers/catalogue/quantities.ts";
import { quirkOf } from "../../drivers/catalogue/quirks.ts";
import { driverIds, driverOf } from "../../drivers/registry.ts";
import { HubError, isHubError } from "../../protocol/errors.ts";
import { shippedCatalogueFolder } from "../config/certified-catalogue.ts";
import { didYouMean } from "../config/nearest.ts";
import { table } from "../diagnostics/layout.ts";
import { buildCatalogue } from "../updates/pack-catalogue.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

interface CatalogueOptions {
  readonly json?: boolean;
}

const knowledge = (): LintKnowledge => ({
  drivers: new Map(
    driverIds.flatMap((id) => {
      const driver = driverOf(id);
      return driver === undefined ? [] : [[id, driver.transport] as const];
    }),
  ),
  quantities: publishableQuantities(),
  suggest: didYouMean,
});

/** Run `work` over the folder (default: the catalogue of this version); one that cannot be read is exit 2. */
const withFolder = async (
  folder: string | undefined,
  output: Output,
  work: (folder: string) => Promise<ExitCode>,
): Promise<ExitCode> => {
  try {
    return await work(folder ?? (await shippedCatalogueFolder()) ?? SHIPPED_CATALOGUE);
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    output.complain(thrown.message);
    return EXIT.usage;
  }
};

/** `hemhub catalogue check [FOLDER]`: every problem at once on standard error; exit 1 when one of them is an error. */
export const catalogueCheckCommand = (
  given: string | undefined,
  { json = false }: CatalogueOptions,
  output: Output,
): Promise<ExitCode> =>
  withFolder(given, output, async (folder) => {
    const found = await readCatalogueFolder(folder);
    const problems = lintCatalogue(found, knowledge());
    const errors = problems.filter(({ level }) => level === "error").length;
    const models = found.parsed.length;
    const ok = errors === 0 && models > 0;
    if (json) await output.write(`${JSON.stringify({ folder, ok, models, problems })}\n`);
    else {
      for (const problem of problems) output.complain(`${problem.level}: ${problemText(problem)}`);
      if (models === 0 && errors === 0)
        output.complain(`${folder}: has no entry (*.yaml); give the catalogue's folder`);
      const warnings = problems.length - errors;
      const said = warnings === 0 ? "" : `, ${warnings} to look at`;
      if (ok) await output.write(`${folder}: ok, ${models} model${models === 1 ? "" : "s"}${said}\n`);
    }
    return ok ? EXIT.ok : EXIT.checkFailed;
  });

export interface PackOptions {
  readonly counter: string;
  readonly out: string;
}

/** `hemhub catalogue pack FOLDER --counter N --out FOLDER`: what `hemhub release add --built` takes. */
export const cataloguePackCommand = (given: string, { counter, out }: PackOptions, output: Output): Promise<ExitCode> =>
  withFolder(given, output, async (folder) => {
    const number = Number(counter);
    if (!/^\d+$/.test(counter) || !Number.isSafeInteger(number)) {
      throw new HubError("invalid-argument", `catalogue pack: --counter ${counter}: give a whole number`);
    }
    const target = await buildCatalogue(folder, number, out);
    await output.write(`${join(out, "built.json")}: ${target}; add it with hemhub release add REPO --built\n`);
    return EXIT.ok;
  });

const summaryOf = (entry: CatalogueEntry) => {
  const { id, version, manufacturer, model, transport, driver, pairing, quirks, certification } = entry;
  const status = statusOf(entry);
  const { withdrawn = null } = entry;
  return { id, version, manufacturer, model, transport, driver, pairing, status, withdrawn, quirks, certification };
};

/** What stands below the table: why a model is not read, and what the certificate does not cover. */
const notesOf = (entry: CatalogueEntry): readonly string[] => {
  const { id, withdrawn, certification, quirks } = entry;
  const { firmware } = certification;
  return [
    ...(withdrawn === undefined ? [] : [`${id}: withdrawn on ${withdrawn.date}: ${withdrawn.reason}`]),
    ...(firmware === null ? [] : [`${id}: certified for firmware ${firmwareRangeText(firmware)}`]),
    ...quirks.map((name) => `${id}: ${quirkOf(name)?.means ?? `quirk ${name} is not known to this version`}`),
  ];
};

/** `hemhub catalogue list [FOLDER]`: every model, its status, and how it is read. */
export const catalogueListCommand = (
  given: string | undefined,
  { json = false }: CatalogueOptions,
  output: Output,
): Promise<ExitCode> =>
  withFolder(given, output, async (folder) => {
    const { parsed, problems } = await readCatalogueFolder(folder);
    const entries = parsed.map(({ entry }) => entry);
    if (json) await output.write(`${JSON.stringify(entries.map(summaryOf))}\n`);
    else {
      const rows = entries.map((entry) => [entry.id, statusOf(entry), entry.transport, entry.driver]);
      const lines = [...table([["MODEL", "STATUS", "OVER", "DRIVER"], ...rows]), ...entries.flatMap(notesOf)];
      await output.write(lines.map((line) => `${line}\n`).join(""));
    }
    if (problems.length === 0) return EXIT.ok;
    output.complain(`${folder}: ${problems.length} problems; hemhub catalogue check ${folder} names them`);
    return EXIT.checkFailed;
  });
