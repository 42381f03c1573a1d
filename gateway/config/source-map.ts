import { type Document, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";

export type ConfigPath = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where values and keys of a parsed YAML file stand in its text. */
export interface SourceMap {
  /** Place of the value at `path`, or of the nearest part of the file that holds it. */
  valueAt(path: ConfigPath): Place;
  /** Place of the key `key` in the mapping at `path`. */
  keyAt(path: ConfigPath, key: string): Place;
}

const PLAIN_KEY = /^[\w.-]+$/;

const stepText = (step: string | number, first: boolean): string => {
  if (typeof step === "number") return `[${step}]`;
  if (!PLAIN_KEY.test(step)) return `[${JSON.stringify(step.slice(0, 64))}]`;
  return first ? step : `.${step}`;
};

/** `sensors[1].ble.address`. */
export const pathText = (path: ConfigPath): string => path.map((step, i) => stepText(step, i === 0)).join("");

export const createSourceMap = (document: Document.Parsed, lines: LineCounter): SourceMap => {
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };

  const nodeAt = (path: ConfigPath): Node | null => {
    let node: unknown = document.contents;
    let last: Node | null = document.contents;
    for (const step of path) {
      node = isMap(node) || isSeq(node) ? node.get(step, true) : null;
      if (node === null || node === undefined) break;
      last = node as Node;
    }
    return last;
  };

  const start = (node: Node | null): Place => placeOf(node?.range?.[0] ?? 0);

  return {
    valueAt: (path) => start(nodeAt(path)),
    keyAt: (path, key) => {
      const holder = nodeAt(path);
      const pair = isMap(holder)
        ? holder.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
        : undefined;
      return isScalar(pair?.key) ? start(pair.key) : start(holder);
    },
  };
};
