import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import type { RepositoryName } from "../download/source.ts";
import { explainFullDisk } from "../files/no-space.ts";

export const rolledBack = ({ name, renewal }: RepositoryName, what: string, found: number, floor: number): HubError =>
  new HubError(
    "update-rolled-back",
    `update check: ${name} has ${what} ${found}, and this hub has already seen ${floor}; an older state is refused. ${renewal}`,
    { context: { what, found, floor } },
  );

export const expired = ({ name, renewal }: RepositoryName, what: string, reference: string): HubError =>
  new HubError(
    "update-expired",
    `update check: ${what} of ${name} is no longer valid on ${reference}. ${renewal}; where that date is wrong, set the hub's clock`,
    { context: { what } },
  );

export const missing = ({ name }: RepositoryName, file: string): HubError =>
  new HubError(
    "update-unreachable",
    `update check: ${name} has no ${file}, so it is not a whole repository; try again later, or ask the region to publish it again`,
  );

export const untrusted = ({ name }: RepositoryName, found: string, cause?: unknown): HubError =>
  new HubError(
    "update-untrusted",
    `update check: what ${name} sent is not signed as the region signs (${found}); nothing of it was taken. Report it to the region`,
    cause === undefined ? {} : { cause },
  );

/**
 * What a failure of the TUF client means. It names the cause in the text only: inner errors reach the caller inside the
 * text of an outer one. `transport` is what the fetcher itself threw last, and then the cause.
 */
export const refusalOf = (
  thrown: unknown,
  transport: unknown,
  repository: RepositoryName,
  reference: string,
): unknown => {
  if (transport !== null) return transport;
  if (isHubError(thrown)) return thrown;
  const explained = explainFullDisk(thrown, "update check");
  if (isHubError(explained)) return explained;
  const found = messageOf(thrown);
  const role = /(root|timestamp|snapshot|targets|\S+)(?:\.json)? is expired/.exec(found);
  if (role !== null) return expired(repository, `${role[1]?.replace(/\.json$/, "")}.json`, reference);
  const versions = /version (\d+)(?: of (\S+))? is less than current version (\d+)/.exec(found);
  if (versions !== null) {
    return rolledBack(repository, `${versions[2] ?? "metadata"} version`, Number(versions[1]), Number(versions[3]));
  }
  return untrusted(repository, found, thrown);
};
