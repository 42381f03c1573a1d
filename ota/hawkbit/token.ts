import { HubError } from "../../protocol/errors.ts";
import type { UpdateFiles } from "../files/update-files.ts";

/**
 * The value of the header `Authorization` that a token file stands for: `TargetToken T` and `GatewayToken T` as they are,
 * a bare token is a target's. Null where no file is named. Throws `update-unreachable` where it is not usable.
 */
export const readToken = async (files: UpdateFiles, file: string | null): Promise<string | null> => {
  if (file === null) return null;
  const bad = (found: string): HubError =>
    new HubError(
      "update-unreachable",
      `updates: the token of hawkBit, ${file}, ${found}; put the token there that hawkBit shows for this hub`,
    );
  const bytes = await files.read(file).catch((thrown: unknown) => {
    throw bad(`cannot be read (${thrown instanceof Error ? thrown.message : String(thrown)})`);
  });
  if (bytes === null) throw bad("is not there");
  const text = Buffer.from(bytes).toString("utf8").trim();
  const found = /^(?:(TargetToken|GatewayToken) +)?([\x21-\x7e]{1,256})$/.exec(text);
  if (found === null) throw bad("holds no token");
  return `${found[1] ?? "TargetToken"} ${found[2]}`;
};
