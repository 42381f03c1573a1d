import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import {
  type AccessContext,
  type AccessEffect,
  type AccessState,
  type AccessStep,
  IDLE,
  nextAccess,
} from "./record-access.ts";
import { ACCESS_OP, ACCESS_OPERATOR, GLUCOSE_ACCESS_ERRORS } from "./record-access-codes.ts";
import { numberFilter, timeFilter } from "./record-filter.ts";

interface Row {
  readonly id: number;
  readonly sequence: number;
  readonly ms: number;
}

/** Sequence numbers 10, 11, 13, each a day after the other from 2026-06-01. */
const ROWS: readonly Row[] = [10, 11, 13].map((sequence, index) => ({
  id: index + 1,
  sequence,
  ms: Date.UTC(2026, 5, 1 + index),
}));

const context = (records: readonly Row[] = ROWS): AccessContext<Row> => ({
  records,
  capabilities: {
    operations: new Set([ACCESS_OP.REPORT, ACCESS_OP.DELETE, ACCESS_OP.ABORT, ACCESS_OP.COUNT]),
    operators: new Set(Object.values(ACCESS_OPERATOR)),
    filters: new Map([
      [1, numberFilter<Row>(({ sequence }) => sequence)],
      [2, timeFilter<Row>(({ ms }) => ms)],
    ]),
  },
  errors: GLUCOSE_ACCESS_ERRORS,
});

const write = (value: string, state: AccessState = IDLE, ready = true): AccessStep =>
  nextAccess(state, { tag: "written", value: fromHex(value), ready }, context());

const textOf = (effect: AccessEffect): string => {
  switch (effect.tag) {
    case "refuse":
      return `refuse ${effect.code.toString(16)}`;
    case "push":
      return `push ${effect.id}`;
    case "erase":
      return `erase ${effect.ids.join(" ")}`;
    case "answer":
      return `answer ${toHex(effect.value)}`;
  }
};

const shown = ({ effects }: AccessStep): readonly string[] => effects.map(textOf);

const leftOf = ({ state }: AccessStep): readonly number[] | string =>
  state.tag === "reporting" ? state.left : state.tag;

describe("idle control point", () => {
  it.each([
    ["all", "0101", [1, 2, 3]],
    ["up to and including a number", "0102010b00", [1, 2]],
    ["from a number on", "0103010b00", [2, 3]],
    ["a range, both ends included", "0104010a000b00", [1, 2]],
    ["the oldest", "0105", [1]],
    ["the newest", "0106", [3]],
    ["up to a user facing time", "010202ea070602000000", [1, 2]],
    ["from a user facing time on", "010302ea070602000000", [2, 3]],
    ["a range of user facing times", "010402ea070602000000ea070603000000", [2, 3]],
  ])("reports %s", (_what, request, ids) => {
    const step = write(request);
    expect(leftOf(step)).toEqual(ids);
    expect(shown(step)).toEqual([]);
  });

  it.each([
    ["an op code of none", "0001", "06000002"],
    ["a response as a request", "05000100", "06000502"],
    ["nothing at all", "", "06000002"],
    ["no operator", "0100", "06000103"],
    ["an operator of none", "0107", "06000104"],
    ["an operand where there is none to give", "01010100", "06000105"],
    ["an operand left out", "0103", "06000105"],
    ["an operand cut short", "01030101", "06000105"],
    ["an operand too long", "0103010a0000", "06000105"],
    ["a range from high to low", "0104010b000a00", "06000105"],
    ["a range with one end", "0104010a00", "06000105"],
    ["a time without a month", "010302ea070002000000", "06000105"],
    ["a filter of none", "0103030a00", "06000109"],
    ["what matches nothing", "0103010e00", "06000106"],
    ["the removal of what matches nothing", "0203010e00", "06000206"],
    ["an abort with an operator", "0301", "06000303"],
    ["an abort with an operand", "030001", "06000305"],
    ["an abort of nothing, as done", "0300", "06000301"],
    ["a count of all", "0401", "05000300"],
    ["a count of some", "0403010b00", "05000200"],
    ["a count of none", "0403010e00", "05000000"],
  ])("answers %s", (_what, request, answer) => {
    const step = write(request);
    expect(shown(step)).toEqual([`answer ${answer}`]);
    expect(step.state.tag).toBe("answering");
  });

  it("erases what is named and says so", () => {
    expect(shown(write("0202010b00"))).toEqual(["erase 1 2", "answer 06000201"]);
  });

  it("refuses a central that has not configured itself", () => {
    const step = write("0101", IDLE, false);
    expect(shown(step)).toEqual(["refuse 81"]);
    expect(step.state).toEqual(IDLE);
  });

  it("does not know operations, operators and filters that the sensor lacks", () => {
    const bare: AccessContext<Row> = {
      ...context(),
      capabilities: {
        operations: new Set([ACCESS_OP.REPORT, ACCESS_OP.ABORT]),
        operators: new Set([ACCESS_OPERATOR.ALL, ACCESS_OPERATOR.GREATER_OR_EQUAL]),
        filters: new Map([[1, numberFilter<Row>(({ sequence }) => sequence)]]),
      },
    };
    const ask = (value: string): readonly string[] =>
      shown(nextAccess(IDLE, { tag: "written", value: fromHex(value), ready: true }, bare));
    expect(ask("0401")).toEqual(["answer 06000402"]);
    expect(ask("0201")).toEqual(["answer 06000202"]);
    expect(ask("0106")).toEqual(["answer 06000104"]);
    expect(ask("010302ea070602000000")).toEqual(["answer 06000109"]);
  });
});

describe("reporting control point", () => {
  const REPORTING: AccessState = { tag: "reporting", left: [2, 3] };
  const due = (state: AccessState): AccessStep => nextAccess(state, { tag: "due" }, context());

  it("tells one record at a time, and then answers", () => {
    const second = due(REPORTING);
    expect(shown(second)).toEqual(["push 2"]);
    const third = due(second.state);
    expect(shown(third)).toEqual(["push 3"]);
    const end = due(third.state);
    expect(shown(end)).toEqual(["answer 06000101"]);
    expect(end.state.tag).toBe("answering");
  });

  it("refuses another request, and goes on", () => {
    const step = write("0401", REPORTING);
    expect(shown(step)).toEqual(["refuse 80"]);
    expect(step.state).toBe(REPORTING);
  });

  it("lets itself be aborted: what is left is not told", () => {
    const step = write("0300", REPORTING);
    expect(shown(step)).toEqual(["answer 06000301"]);
    expect(leftOf(step)).toBe("answering");
  });
});

describe("answering control point", () => {
  const ANSWERING: AccessState = { tag: "answering" };

  it("refuses every request until the answer is confirmed, and is idle then", () => {
    expect(shown(write("0101", ANSWERING))).toEqual(["refuse 80"]);
    expect(shown(write("0300", ANSWERING))).toEqual(["refuse 80"]);
    expect(nextAccess(ANSWERING, { tag: "answered" }, context())).toEqual({ state: IDLE, effects: [] });
  });

  it("has nothing due", () => {
    expect(nextAccess(ANSWERING, { tag: "due" }, context())).toEqual({ state: ANSWERING, effects: [] });
  });
});
