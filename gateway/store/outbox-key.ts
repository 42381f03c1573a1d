import { hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { closeQuietly } from "./database-file.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileFailure } from "./number-floor.ts";
import { type OutboxFiles, sizeOf } from "./outbox-files.ts";
import { boundOf, SEALED_JSON } from "./payload.ts";
import { metaOf, setMeta } from "./schema.ts";
import { createSeal, KEY_BYTES, type Seal } from "./seal.ts";
import { bytesOf, type Database, integerOf, type OpenDatabase } from "./sqlite.ts";
import { transact } from "./transaction.ts";

/** Name of the systemd credential (systemd.exec(5), LoadCredentialEncrypted=) with the key: 64 hex digits. */
export const KEY_CREDENTIAL = "hemhub-outbox-key";

export const keyTrouble = (what: string, next: string, cause?: unknown): HubError =>
  new HubError("outbox-key", `outbox key: ${what}; nothing was changed. ${next}`, { cause });

const PUT_BACK =
  "Put the former key back; where it is lost for good, what is stored cannot be read by anyone: move the outbox folder away to begin anew";

/** Null where there is no such file. Throws HubError `outbox-key`. */
export const readKey = async (path: string): Promise<Uint8Array | null> => {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw keyTrouble(`${path} cannot be read (${messageOf(thrown)})`, "Correct its owner and mode", thrown);
  }
  const hex = text.trim();
  if (new RegExp(`^[0-9a-f]{${2 * KEY_BYTES}}$`, "i").test(hex)) return Buffer.from(hex, "hex");
  throw keyTrouble(`${path} has ${hex.length} characters, expected ${2 * KEY_BYTES} hex digits`, PUT_BACK);
};

/** Where systemd has put the credentials of this unit (systemd.exec(5)); null where it did not start the hub. */
export const credentialKey = async (folder: string | undefined): Promise<Uint8Array | null> =>
  folder === undefined ? null : readKey(join(folder, KEY_CREDENTIAL));

/** Whether rows of the database are sealed with some key; true where nobody can tell. */
const isSealed = async (files: OutboxFiles, openDatabase: OpenDatabase): Promise<boolean> => {
  if (((await sizeOf(files.database)) ?? 0) === 0) return false;
  const database = await openDatabase(files.database);
  try {
    return (await metaOf(database, "key-check")) !== 0;
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    return true;
  } finally {
    await closeQuietly(database);
  }
};

const makeKey = async (path: string): Promise<Uint8Array> => {
  const made = randomBytes(KEY_BYTES);
  try {
    await replaceDurably(path, `${made.toString("hex")}\n`);
  } catch (thrown) {
    throw fileFailure("outbox key: write", thrown);
  }
  return made;
};

/**
 * A credential is not the hub's to destroy. So its key is mixed with a random salt beside the database (RFC 5869), which
 * is: without the salt the credential opens nothing. Rows of a release before this are sealed with the credential itself.
 */
const salted = async (credential: Uint8Array, files: OutboxFiles, openDatabase: OpenDatabase): Promise<Uint8Array> => {
  const found = await readKey(files.salt);
  if (found === null && (await isSealed(files, openDatabase))) return credential;
  const salt = found ?? (await makeKey(files.salt));
  return Buffer.from(hkdfSync("sha256", credential, salt, "hemhub outbox erasable", KEY_BYTES));
};

/**
 * The key of the outbox: from the systemd credential `hemhub-outbox-key` where there is one, else from the file beside
 * the database (0600), which is made where nothing is sealed yet. Throws HubError `outbox-key` where the key of what is
 * stored is missing or makes no sense: a new one is never made then.
 */
export const loadSeal = async (
  files: OutboxFiles,
  openDatabase: OpenDatabase,
  credentials: string | undefined,
): Promise<Seal> => {
  const credential = await credentialKey(credentials);
  if (credential !== null) return createSeal(await salted(credential, files, openDatabase));
  const found = await readKey(files.key);
  if (found !== null) return createSeal(found);
  if (await isSealed(files, openDatabase)) {
    throw keyTrouble(
      `there is none (neither credential ${KEY_CREDENTIAL} nor ${files.key}), and readings are sealed with it`,
      PUT_BACK,
    );
  }
  return createSeal(await makeKey(files.key));
};

/** Sealed rows that are tried where the noted check does not fit: one damaged row must not decide. */
const ROWS_TRIED = 16;

/** Whether the key opens a row, of those that are there; null where there is none to try. */
const opensRows = async (database: Database, seal: Seal): Promise<boolean | null> => {
  const rows = await database.all("SELECT seq, idem, payload FROM reading WHERE format = ? ORDER BY seq DESC LIMIT ?", [
    SEALED_JSON,
    ROWS_TRIED,
  ]);
  if (rows.length === 0) return null;
  return rows.some(
    (row) => seal.open(bytesOf(row, "payload"), boundOf(integerOf(row, "seq"), bytesOf(row, "idem"))) !== null,
  );
};

/**
 * Throws HubError `outbox-key` where the rows of the database were sealed with another key. The note in the database is
 * only a hint, because it may be damaged: the rows decide.
 */
export const requireSameKey = async (database: Database, seal: Seal): Promise<void> => {
  const check = await metaOf(database, "key-check");
  if (check === seal.check) return;
  if ((await opensRows(database, seal)) === false) {
    throw keyTrouble("it is not the one that the stored readings are sealed with", PUT_BACK);
  }
  await transact(database, [setMeta("key-check", seal.check)]);
};

/** The same for a database that may be too damaged to tell, and is not written to. */
export const requireSameKeyAsFarAsKnown = async (database: Database, seal: Seal): Promise<void> => {
  const check = await metaOf(database, "key-check").catch(() => seal.check);
  if (check === seal.check || (await opensRows(database, seal).catch(() => null)) !== false) return;
  throw keyTrouble("it is not the one that the damaged database is sealed with", PUT_BACK);
};
