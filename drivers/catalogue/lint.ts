import type { CatalogueFolder } from "./catalogue.ts";
import { type BleEntry, type CatalogueEntry, type SerialEntry, statusOf } from "./entry.ts";
import { compareFirmware } from "./firmware.ts";
import { isGtin } from "./gtin.ts";
import type { ParsedEntry } from "./parse-entry.ts";
import type { CatalogueProblem } from "./problem.ts";
import { QUIRKS, quirkOf } from "./quirks.ts";

/** What entries may refer to. */
export interface LintKnowledge {
  /** Transport of each driver of this version. */
  readonly drivers: ReadonlyMap<string, "ble" | "serial">;
  /** Names of the code table that can be published. */
  readonly quantities: ReadonlySet<string>;
  /** ` (did you mean X?)`, or nothing. */
  suggest(word: string, known: Iterable<string>): string;
}

type Report = (path: readonly string[], found: string, next: string, level?: CatalogueProblem["level"]) => void;

const checkNames = (entry: CatalogueEntry, known: LintKnowledge, report: Report): void => {
  const transport = known.drivers.get(entry.driver);
  if (transport === undefined) {
    const meant = known.suggest(entry.driver, known.drivers.keys());
    const found = `expected a driver of this version, found ${entry.driver}${meant}`;
    report(
      ["driver"],
      found,
      meant === "" ? `correct it; there are ${[...known.drivers.keys()].join(", ")}` : "correct it",
    );
  } else if (transport !== entry.transport) {
    const found = `expected a driver over ${entry.transport}, found ${entry.driver}, which reads over ${transport}`;
    report(["driver"], found, "correct the driver or the transport");
  }
  entry.quantities.forEach((quantity, index) => {
    if (known.quantities.has(quantity)) return;
    const found = `expected a quantity with a checked code, found ${quantity}${known.suggest(quantity, known.quantities)}`;
    report(["quantities", String(index)], found, "correct it; protocol/codes.json has them");
  });
  entry.quirks.forEach((name, index) => {
    const quirk = quirkOf(name);
    if (quirk === undefined) {
      const meant = known.suggest(
        name,
        QUIRKS.map((one) => one.name),
      );
      const found = `expected a quirk that is declared, found ${name}${meant}`;
      report(["quirks", String(index)], found, "correct it, or declare it in quirks.ts and let its driver know it");
    } else if (!quirk.drivers.includes(entry.driver)) {
      const found = `driver ${entry.driver} does not know quirk ${name}; ${quirk.drivers.join(", ")} does`;
      report(["quirks", String(index)], found, "take it out, or let the driver know it");
    }
  });
};

const checkCertification = (entry: CatalogueEntry, report: Report): void => {
  const { firmware } = entry.certification;
  if (firmware !== null) {
    const place = ["certification", "firmware"];
    const order = firmware.from === null || firmware.to === null ? 0 : compareFirmware(firmware.from, firmware.to);
    if (order === null) {
      const found = `${firmware.from} and ${firmware.to} are not written alike, so that nobody can tell what lies between`;
      report(place, found, "write both as the sensor tells its firmware revision");
    } else if (order > 0) report(place, `no firmware is ${firmware.from} to ${firmware.to}`, "exchange the two");
    if (firmware.from === null && firmware.to === null) {
      report(place, "expected an end, found none", "write firmware: null where every revision is valid", "warning");
    }
  }
  if (entry.udiDi !== null && /^\d+$/.test(entry.udiDi) && !isGtin(entry.udiDi)) {
    report(["udiDi"], `${entry.udiDi} is no GTIN: its length or check digit is wrong`, "copy it again from the label");
  }
};

/** Models that sensors tell, and how the hub would tell them apart: the longest beginning counts. */
const sameBle = (one: BleEntry, other: BleEntry): boolean => {
  const [ours, theirs] = [one.recognise.ble, other.recognise.ble];
  const overlaps = ours.services.some((service) => theirs.services.includes(service));
  return overlaps && ours.model?.toLowerCase() === theirs.model?.toLowerCase();
};

const sameUsb = (one: SerialEntry, other: SerialEntry): boolean => {
  const [ours, theirs] = [one.recognise.usb, other.recognise.usb];
  return ours !== null && theirs !== null && ours.vendor === theirs.vendor && ours.product === theirs.product;
};

const isSameModel = (one: CatalogueEntry, other: CatalogueEntry): boolean =>
  one.manufacturer.toLowerCase() === other.manufacturer.toLowerCase() &&
  one.model.toLowerCase() === other.model.toLowerCase();

/** What two entries must not have in common. `before` is the one that keeps its place. */
const checkPair = (entry: CatalogueEntry, before: ParsedEntry, report: Report): void => {
  const { file, entry: other } = before;
  if (isSameModel(entry, other)) {
    report(["model"], `${file} is the same model`, "keep one of them, under one id");
    return;
  }
  if (entry.udiDi !== null && entry.udiDi === other.udiDi) {
    report(["udiDi"], `${file} has the same UDI-DI`, "look at both labels; each model has its own");
  }
  if (entry.transport === "ble" && other.transport === "ble" && sameBle(entry, other)) {
    const found = `unreachable: ${file} is recognised by the same service and the same beginning of the model`;
    report(["recognise"], found, "say in recognise.ble.model what this model tells", "warning");
  }
  // Many adapters share one chip, and the configuration names the model: a person should know, that is all.
  if (entry.transport === "serial" && other.transport === "serial" && sameUsb(entry, other)) {
    const found = `${file} has the same USB identity, so that a port does not tell which of them it is`;
    report(["recognise", "usb"], found, "enrol each with the serial number of its adapter", "warning");
  }
};

/** A file that no hub would ever look at. */
const straysOf = (names: readonly string[]): readonly CatalogueProblem[] =>
  names
    .filter((name) => /\.ya?ml/i.test(name) && !name.endsWith(".yaml"))
    .map((file) => ({
      level: "error",
      file,
      line: 1,
      path: "(file)",
      found: "unreachable: only files that end in .yaml are entries",
      next: "rename or remove it",
    }));

/**
 * Everything that is wrong in a catalogue folder, in the order of files and lines: what the loader refuses, names that
 * this version does not have (drivers, quantities, quirks), models and identities that are there twice, entries that
 * cannot be reached, firmware ranges and UDI-DIs that cannot be. Pure.
 */
export const lintCatalogue = (folder: CatalogueFolder, known: LintKnowledge): readonly CatalogueProblem[] => {
  const problems: CatalogueProblem[] = [...folder.problems, ...straysOf(folder.names)];
  folder.parsed.forEach((parsed, index) => {
    const { file, entry } = parsed;
    const report: Report = (path, found, next, level = "error") => {
      problems.push({ level, file, line: parsed.lineOf(path), path: path.join("."), found, next });
    };
    checkNames(entry, known, report);
    checkCertification(entry, report);
    if (statusOf(entry) === "withdrawn") return;
    for (const before of folder.parsed.slice(0, index)) {
      if (statusOf(before.entry) !== "withdrawn") checkPair(entry, before, report);
    }
  });
  return problems.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
};
