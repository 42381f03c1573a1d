import { type FileHandle, open } from "node:fs/promises";
import { PAGE_SIZE } from "./page-size.ts";
import type { SqlRow, SqlValue } from "./sqlite.ts";

/**
 * Rows of the table `reading` as they lie in a database file, whatever became of the tree above them: for what SQL
 * cannot reach. Pages on the free list are read too, so a row may be one that was deleted; the caller chooses by number
 * and trusts nothing without its checksum. File format: sqlite.org/fileformat2.html 1.6 and 2.1.
 */
export async function* scanLeaves(path: string, columns: readonly string[]): AsyncIterable<SqlRow> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const pages = Math.floor(size / PAGE_SIZE);
    for (let number = 1; number <= pages; number += 1) {
      const page = await readPage(file, number);
      for (const cell of cellsOf(page)) {
        const record = await recordAt(file, pages, page, cell);
        const row = record === null ? null : rowOf(record, columns);
        if (row !== null) yield row;
      }
    }
  } finally {
    await file.close();
  }
}

const TABLE_LEAF = 0x0d;
const LEAF_HEADER = 8;
/** Above any reading; a damaged length must not fill the memory. */
const LONGEST_RECORD = 1024 * 1024;
/** Section 1.6: what of a record stays in its leaf, for pages without reserved bytes. */
const MOST_LOCAL = PAGE_SIZE - 35;
const LEAST_LOCAL = Math.floor(((PAGE_SIZE - 12) * 32) / 255) - 23;
const OVERFLOW_CONTENT = PAGE_SIZE - 4;

const readPage = async (file: FileHandle, number: number): Promise<Buffer> => {
  const page = Buffer.alloc(PAGE_SIZE);
  await file.read(page, 0, PAGE_SIZE, (number - 1) * PAGE_SIZE);
  return page;
};

/** Offsets of the cells of a table leaf; none for any other page. The first page holds the schema, no reading. */
const cellsOf = (page: Buffer): readonly number[] => {
  if (page[0] !== TABLE_LEAF) return [];
  const count = Math.min(page.readUInt16BE(3), Math.floor((PAGE_SIZE - LEAF_HEADER) / 2));
  const offsets = Array.from({ length: count }, (_, i) => page.readUInt16BE(LEAF_HEADER + 2 * i));
  return offsets.filter((offset) => offset >= LEAF_HEADER && offset < PAGE_SIZE - 4);
};

interface Varint {
  readonly value: number;
  readonly next: number;
}

/** Big-endian groups of seven bits. Null beyond the end, or where the value is no safe integer. */
const varintAt = (bytes: Buffer, at: number): Varint | null => {
  let value = 0;
  for (let i = 0; i < 8; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, next: at + i + 1 } : null;
  }
  return null;
};

interface FoundRecord {
  readonly rowid: number;
  readonly bytes: Buffer;
}

const recordAt = async (file: FileHandle, pages: number, page: Buffer, cell: number): Promise<FoundRecord | null> => {
  const length = varintAt(page, cell);
  const rowid = length === null ? null : varintAt(page, length.next);
  if (length === null || rowid === null || length.value > LONGEST_RECORD) return null;
  const wanted = length.value;
  const surplus = LEAST_LOCAL + ((wanted - LEAST_LOCAL) % OVERFLOW_CONTENT);
  const local = wanted <= MOST_LOCAL ? wanted : surplus <= MOST_LOCAL ? surplus : LEAST_LOCAL;
  if (rowid.next + local > PAGE_SIZE) return null;
  const parts = [page.subarray(rowid.next, rowid.next + local)];
  let missing = wanted - local;
  let next = missing > 0 && rowid.next + local + 4 <= PAGE_SIZE ? page.readUInt32BE(rowid.next + local) : 0;
  while (missing > 0) {
    if (next < 2 || next > pages) return null;
    const overflow = await readPage(file, next);
    parts.push(overflow.subarray(4, 4 + Math.min(missing, OVERFLOW_CONTENT)));
    missing -= OVERFLOW_CONTENT;
    next = overflow.readUInt32BE(0);
  }
  return { rowid: rowid.value, bytes: Buffer.concat(parts) };
};

const INTEGER_SIZES: readonly number[] = [0, 1, 2, 3, 4, 6];

interface Content {
  readonly value: SqlValue;
  readonly size: number;
}

/** Section 2.1, serial types; null for those that no column of ours has, and for what lies beyond the record. */
const contentAt = (bytes: Buffer, type: number, at: number): Content | null => {
  if (type === 0) return { value: null, size: 0 };
  if (type === 8 || type === 9) return { value: type - 8, size: 0 };
  const size = type >= 12 ? Math.floor((type - 12) / 2) : INTEGER_SIZES[type];
  if (size === undefined || at + size > bytes.length) return null;
  if (type < 12) return { value: bytes.readIntBE(at, size), size };
  const content = bytes.subarray(at, at + size);
  return { value: type % 2 === 0 ? content : content.toString("utf8"), size };
};

/** The first column is the row's number, which the record leaves empty. */
const rowOf = ({ rowid, bytes }: FoundRecord, [key, ...columns]: readonly string[]): SqlRow | null => {
  const header = varintAt(bytes, 0);
  if (header === null || key === undefined || varintAt(bytes, header.next)?.value !== 0) return null;
  const row: Record<string, SqlValue> = { [key]: rowid };
  let typeAt = header.next + 1;
  let at = header.value;
  for (const column of columns) {
    const type = varintAt(bytes, typeAt);
    const content = type === null || type.next > header.value ? null : contentAt(bytes, type.value, at);
    if (type === null || content === null) return null;
    row[column] = content.value;
    typeAt = type.next;
    at += content.size;
  }
  return typeAt === header.value && at === bytes.length ? row : null;
};
