import table from "./codes.json" with { type: "json" };
import { HubError } from "./errors.ts";

/**
 * One checked row of the code table: an IEEE 11073-10101 term as partition x 65536 + term, its reference
 * identifier, and the UCUM unit the table gives for it (null where the quantity has none).
 */
export interface Code {
  readonly quantity: string;
  readonly mdc: number;
  readonly name: string;
  readonly ucum: string | null;
  readonly loinc: readonly string[];
}

/** Two sources disagree on these, so nothing may be published under them (design protocol.md). */
const WITHHELD: ReadonlySet<string> = new Set(["fev6"]);

const byQuantity: ReadonlyMap<string, Code> = new Map(
  table.codes
    .filter((row) => !WITHHELD.has(row.quantity))
    .map((row) => [
      row.quantity,
      { quantity: row.quantity, mdc: row.mdc, name: row.mdcName, ucum: row.ucum, loinc: row.loinc },
    ]),
);

const nameByMdc: ReadonlyMap<number, string> = new Map([...byQuantity.values()].map((code) => [code.mdc, code.name]));

/** Unit text (UCUM) to its IEEE 11073-10101 unit code. */
const unitCodes: ReadonlyMap<string, number> = new Map(Object.entries(table.units));

/** The checked code of a quantity such as `blood-pressure.systolic`. Throws HubError `unknown-code`. */
export const codeOf = (quantity: string): Code => {
  const code = byQuantity.get(quantity);
  if (code === undefined) {
    throw new HubError(
      "unknown-code",
      `quantity ${quantity}: not in the checked code table, so it cannot be published`,
    );
  }
  return code;
};

/** Reference identifier of a numeric code, or null where the table does not have it. */
export const nameOfMdc = (mdc: number): string | null => nameByMdc.get(mdc) ?? null;

/** IEEE unit code of a UCUM unit, or null where the table does not have it. */
export const unitCodeOf = (ucum: string): number | null => unitCodes.get(ucum) ?? null;
