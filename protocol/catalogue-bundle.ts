import { HubError, messageOf } from "./errors.ts";

/**
 * A catalogue of certified sensors as one file, the content of a signed target: UTF-8 JSON,
 * `{"schema":"catalogue-bundle/1","files":{"<id>.yaml":"<text>", ...}}`, names in order.
 */
const SCHEMA = "catalogue-bundle/1";

/** As a folder of entries has them: 2000 models, each with 64 KiB at the most. */
const MOST_FILES = 2000;
const LARGEST_TEXT = 64 * 1024;
/** 2000 usual entries of 1 kB take a quarter of it. In bytes. */
export const MOST_BUNDLE_BYTES = 8 * 1024 * 1024;

/** Plain names of one folder: nothing that leaves it. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,99}\.yaml$/;

/** Equal content makes equal text. */
export const packCatalogueBundle = (texts: ReadonlyMap<string, string>): string => {
  const files = Object.fromEntries([...texts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ schema: SCHEMA, files })}\n`;
};

const filesOf = (content: unknown): Readonly<Record<string, unknown>> | null => {
  if (typeof content !== "object" || content === null) return null;
  const { schema, files } = content as { readonly schema?: unknown; readonly files?: unknown };
  if (schema !== SCHEMA || typeof files !== "object" || files === null || Array.isArray(files)) return null;
  return files as Readonly<Record<string, unknown>>;
};

/** The texts by name. Throws `invalid-config` with what was found; whether the texts are entries is for the catalogue. */
export const parseCatalogueBundle = (bytes: Uint8Array): ReadonlyMap<string, string> => {
  const bad = (found: string): HubError =>
    new HubError("invalid-config", `catalogue bundle: ${found}; ask the region to pack and sign it again`);
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw bad(`is no JSON (${messageOf(thrown)})`);
  }
  const files = filesOf(content);
  if (files === null) throw bad(`is no ${SCHEMA}`);
  const listed = Object.entries(files);
  if (listed.length === 0 || listed.length > MOST_FILES)
    throw bad(`holds ${listed.length} files, 1 to ${MOST_FILES} are right`);
  return new Map(
    listed.map(([name, text]) => {
      if (!NAME.test(name)) throw bad(`holds ${JSON.stringify(name.slice(0, 100))}, which is no name of an entry`);
      if (typeof text !== "string" || text.length > LARGEST_TEXT)
        throw bad(`${name} is no text of at most ${LARGEST_TEXT}`);
      return [name, text];
    }),
  );
};
