import table from "../../protocol/codes.json" with { type: "json" };
import { codeOf } from "../../protocol/codes.ts";
import { isHubError } from "../../protocol/errors.ts";

const isPublishable = (quantity: string): boolean => {
  try {
    return codeOf(quantity).quantity === quantity;
  } catch (thrown) {
    if (isHubError(thrown, "unknown-code")) return false;
    throw thrown;
  }
};

/** Every name of the code table that a reading can be published under. */
export const publishableQuantities = (): ReadonlySet<string> =>
  new Set(table.codes.map(({ quantity }) => quantity).filter(isPublishable));
