import { hash } from "node:crypto";

/** 64 bits: that two records of one number are alike by chance is as likely as 1 in 10^19. */
const MARK_LENGTH = 16;

/** The mark of a record: the same for the same parts, which do not stand in it in the clear. */
export const markOf = (...parts: readonly (string | number)[]): string =>
  hash("sha256", parts.join("|"), "hex").slice(0, MARK_LENGTH);
