import { readPublished } from "../release/published.ts";

/** What a campaign takes from the signed list instead of from somebody's fingers. */
export interface SignedTerms {
  readonly hardware: readonly string[];
  readonly counter: number;
}

const isNamed = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");

/** Throws where the target is not published as a release: no hub would take it. */
export const signedTerms = async (repository: string, target: string): Promise<SignedTerms> => {
  const refuse = (found: string): Error => new Error(`campaign start: ${target}: ${found}`);
  const { roles, targets } = await readPublished(repository);
  if (roles.length === 0) throw refuse(`${repository} has no published list of releases; run release publish first`);
  const listed = targets.find(({ path }) => path === target);
  if (listed === undefined) {
    throw refuse("it is not in the published list; run release add, sign and publish first");
  }
  const { hardware, counter } = listed.custom;
  if (!isNamed(hardware) || !Number.isSafeInteger(counter)) {
    throw refuse("it is signed without hardware or counter, so it is no release for hubs");
  }
  return { hardware, counter: Number(counter) };
};
