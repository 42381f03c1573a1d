import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { createSimulatedClock, type SimulatedClock } from "../clock/simulated-clock.ts";
import type { ServiceDefinition } from "./attribute-table.ts";
import { type GattConnection, type GattFaults, type LinkSecurity, NO_FAULTS } from "./gatt-connection.ts";
import { createGattServer, type GattServer } from "./gatt-server.ts";

const LONG_UUID = "00112233445566778899aabbccddeeff";

/** Handles: 1 service, 2-3 2a19, 4 service, 5-7 2a35 with 2902, 8-9 2a08, 10 service, 11-13 a 128-bit one. */
const database = (written: string[]): readonly ServiceDefinition[] => [
  { uuid: "180f", characteristics: [{ uuid: "2a19", properties: ["read"], read: () => fromHex("5a") }] },
  {
    uuid: "1810",
    characteristics: [
      { uuid: "2a35", properties: ["indicate"] },
      {
        uuid: "2a08",
        properties: ["read", "write", "write-without-response"],
        read: () => Uint8Array.from({ length: 40 }, (_, i) => i),
        write: (value) => {
          written.push(toHex(value));
          return value[0] === 0xee ? 0x80 : null;
        },
      },
    ],
  },
  { uuid: LONG_UUID, characteristics: [{ uuid: LONG_UUID.replace("ff", "fe"), properties: ["notify"] }] },
];

interface Bench {
  readonly clock: SimulatedClock;
  readonly server: GattServer;
  readonly gatt: GattConnection;
  readonly written: string[];
  readonly subscribed: string[];
  /** Sends a PDU and gives what came back so far. */
  ask(pdu: string): string;
  take(): string;
}

const bench = (
  options: {
    faults?: GattFaults;
    security?: () => LinkSecurity;
    services?: readonly ServiceDefinition[];
    server?: GattServer;
  } = {},
): Bench => {
  const written: string[] = [];
  const subscribed: string[] = [];
  const sent: string[] = [];
  const clock = createSimulatedClock();
  const server = options.server ?? createGattServer(options.services ?? database(written));
  const gatt = server.connect({
    clock,
    mtu: 247,
    faults: options.faults ?? NO_FAULTS,
    send: (pdu) => sent.push(toHex(pdu)),
    security: options.security ?? (() => ({ encrypted: false, authenticated: false, bond: null })),
    subscribed: (uuid, subscription) => subscribed.push(`${uuid} ${subscription}`),
  });
  const take = (): string => sent.splice(0).join(" ");
  return {
    clock,
    server,
    gatt,
    written,
    subscribed,
    take,
    ask: (pdu) => {
      gatt.receive(fromHex(pdu));
      return take();
    },
  };
};

describe("attribute protocol", () => {
  it.each([
    ["exchanges the MTU", "021700", "03f700"],
    ["lists primary services of one UUID size at a time", "100100ffff0028", "1106010003000f18040009001018"],
    ["goes on with the 128-bit service", "100a00ffff0028", "11140a000d00ffeeddccbbaa99887766554433221100"],
    ["says that there are no more services", "100e00ffff0028", "01100e000a"],
    ["refuses to group by anything but services", "100100ffff0328", "0110010010"],
    ["finds a service by its UUID", "060100ffff00281018", "0704000900"],
    ["finds no service that is not there", "060100ffff00280918", "010601000a"],
    ["lists characteristics", "08040009000328", "09070500200600352a08000e0900082a"],
    ["ends a list where the sizes differ", "080100ffff0328", "09070200020300192a0500200600352a08000e0900082a"],
    ["reads by type", "080100ffff192a", "090303005a"],
    ["finds no attribute of a type", "0801000300352a", "010801000a"],
    ["tells why the first attribute of a list cannot be read", "080400ffff352a", "0108060002"],
    ["gives the types of a range", "0405000700", "0501050003280600352a07000229"],
    ["gives a 128-bit type in a list of its own", "040c000d00", "05020c00feeeddccbbaa99887766554433221100"],
    ["finds nothing beyond the last attribute", "040e00ffff", "01040e000a"],
    ["refuses a range that starts at 0", "040000ffff", "0104000001"],
    ["refuses a range that ends before it starts", "0405000400", "0104050001"],
    ["reads a value", "0a0300", "0b5a"],
    ["reads a declaration", "0a0500", "0b200600352a"],
    ["cuts a long value at the MTU", "0a0900", `0b${toHex(Uint8Array.from({ length: 22 }, (_, i) => i))}`],
    ["reads on from an offset", "0c09002600", "0d2627"],
    ["reads nothing at the end", "0c09002800", "0d"],
    ["refuses an offset behind the end", "0c09002900", "010c090007"],
    ["refuses a handle that is not there", "0a6300", "010a630001"],
    ["refuses to read what only indicates", "0a0600", "010a060002"],
    ["refuses to write what only reads", "12030001", "0112030003"],
    ["refuses a PDU that ends early", "0a03", "010a000004"],
    ["refuses a request that it does not know", "0e03000500", "010e000006"],
    ["ignores a command that it does not know", "d20300", ""],
    ["ignores a confirmation that nobody waits for", "1e", ""],
    ["ignores what a client may not send", "0b5a", ""],
    ["ignores an empty PDU", "", ""],
  ])("%s", (_what, request, response) => {
    expect(bench().ask(request)).toBe(response);
  });

  it("uses the smaller of both MTUs, and never less than 23", () => {
    const { ask, gatt } = bench();
    ask("023200");
    expect(gatt.mtu).toBe(50);
    expect(ask("0a0900")).toHaveLength(2 + 80);
    ask("020a00");
    expect(gatt.mtu).toBe(23);
    ask("020002");
    expect(gatt.mtu).toBe(247);
  });

  it("writes with and without response, and passes on the error of the application", () => {
    const { ask, written } = bench();
    expect(ask("1209000102")).toBe("13");
    expect(ask("5209000304")).toBe("");
    expect(ask("120900ee")).toBe("0112090080");
    expect(written).toEqual(["0102", "0304", "ee"]);
  });

  it("collects prepared writes and executes or cancels them", () => {
    const { ask, written } = bench();
    expect(ask("16090000000102")).toBe("17090000000102");
    expect(ask("160900020003")).toBe("170900020003");
    expect(ask("1801")).toBe("19");
    expect(ask("160900000009")).toBe("170900000009");
    expect(ask("1800")).toBe("19");
    expect(ask("1801")).toBe("19");
    expect(written).toEqual(["010203"]);
  });

  it("refuses prepared writes with a gap, to what cannot be written, and more than it can queue", () => {
    const { ask } = bench();
    ask("160900050003");
    expect(ask("1801")).toBe("0118090007");
    expect(ask("160300000003")).toBe("0116030003");
    for (let i = 0; i < 64; i++) ask("160900000001");
    expect(ask("160900000001")).toBe("0116090009");
  });

  it("survives every truncation and every flipped bit of every request", () => {
    const requests = [
      "100100ffff0028",
      "080100ffff0328",
      "060100ffff00281018",
      "0405000700",
      "0c09002600",
      "1209000102",
      "160900000001",
      "1801",
      "021700",
    ];
    for (const request of requests) {
      const bytes = fromHex(request);
      for (let length = 0; length < bytes.length; length++) bench().ask(toHex(bytes.subarray(0, length)));
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = bytes.map((octet, index) => (index === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet));
        const answer = bench().ask(toHex(changed));
        expect(answer.length, `${request} bit ${bit}`).toBeLessThanOrEqual(2 * 247);
      }
    }
  });
});

describe("subscriptions", () => {
  it("keeps the client's configuration, and tells who listens after the response", () => {
    const { ask, gatt, subscribed } = bench();
    expect(ask("0a0700")).toBe("0b0000");
    expect(ask("1207000200")).toBe("13");
    expect(ask("0a0700")).toBe("0b0200");
    expect(subscribed).toEqual(["2a35 indicate"]);
    expect(gatt.subscription("2a35")).toBe("indicate");
    expect(ask("1207000000")).toBe("13");
    expect(subscribed).toEqual(["2a35 indicate", "2a35 off"]);
  });

  it("refuses a configuration that the characteristic cannot do, and one of the wrong size", () => {
    const { ask } = bench();
    expect(ask("1207000100")).toBe("0112070013");
    expect(ask("12070002")).toBe("011207000d");
  });

  it("waits for the confirmation before the next indication", async () => {
    const { ask, gatt, take, clock } = bench();
    ask("1207000200");
    const first = gatt.indicate("2a35", fromHex("aa"));
    const second = gatt.indicate("2a35", fromHex("bb"));
    await clock.advance(millis(0));
    expect(take()).toBe("1d0600aa");
    await clock.advance(seconds(29));
    expect(take()).toBe("");
    ask("1e");
    expect(await first).toBe("confirmed");
    await clock.advance(millis(0));
    expect(take()).toBe("1d0600bb");
    ask("1e");
    expect(await second).toBe("confirmed");
    expect(clock.sleeping).toBe(0);
  });

  it("gives up an indication that is not confirmed within 30 s", async () => {
    const { ask, gatt, clock } = bench();
    ask("1207000200");
    const outcome = gatt.indicate("2a35", fromHex("aa"));
    await clock.advance(seconds(31));
    expect(await outcome).toBe("timeout");
  });

  it("sends nothing to a client that did not ask, unless it is told to", async () => {
    const { ask, gatt, take, clock } = bench();
    expect(await gatt.indicate("2a35", fromHex("aa"))).toBe("unsubscribed");
    expect(gatt.notify(LONG_UUID.replace("ff", "fe"), fromHex("01"))).toBe(false);
    expect(take()).toBe("");
    const early = gatt.indicate("2a35", fromHex("aa"), { uninvited: true });
    await clock.advance(millis(0));
    expect(take()).toBe("1d0600aa");
    ask("1e");
    expect(await early).toBe("confirmed");
  });

  it("notifies, cut at the MTU", () => {
    const { ask, gatt, take } = bench();
    ask("120d000100");
    expect(gatt.notify(LONG_UUID.replace("ff", "fe"), new Uint8Array(100).fill(7))).toBe(true);
    expect(take()).toBe(`1b0c00${"07".repeat(20)}`);
  });

  it("ends waiting indications with the link", async () => {
    const { ask, gatt, clock, take } = bench();
    ask("1207000200");
    const outcome = gatt.indicate("2a35", fromHex("aa"));
    await clock.advance(millis(0));
    gatt.close();
    expect(await outcome).toBe("closed");
    take();
    expect(await gatt.indicate("2a35", fromHex("aa"))).toBe("closed");
    expect(ask("0a0300")).toBe("");
  });

  it("remembers the subscriptions of a bonded peer and of no other", () => {
    const server = createGattServer(database([]));
    const as = (bond: string | null) =>
      bench({ server, security: () => ({ encrypted: true, authenticated: false, bond }) });
    const first = as("hub");
    first.ask("1207000200");
    first.gatt.close();
    expect(as("hub").gatt.subscription("2a35")).toBe("indicate");
    expect(as("other").gatt.subscription("2a35")).toBe("off");
    expect(as(null).gatt.subscription("2a35")).toBe("off");
    server.forget("hub");
    expect(as("hub").gatt.subscription("2a35")).toBe("off");
  });
});

describe("demands on the link", () => {
  const secured = (security: "encrypted" | "authenticated"): readonly ServiceDefinition[] => [
    {
      uuid: "1810",
      characteristics: [{ uuid: "2a35", properties: ["read", "indicate"], security, read: () => fromHex("01") }],
    },
  ];

  it.each([
    ["encrypted", { encrypted: false, authenticated: false, bond: null }, "010a030005"],
    ["encrypted", { encrypted: false, authenticated: false, bond: "hub" }, "010a03000f"],
    ["encrypted", { encrypted: true, authenticated: false, bond: null }, "0b01"],
    ["authenticated", { encrypted: true, authenticated: false, bond: "hub" }, "010a030005"],
    ["authenticated", { encrypted: true, authenticated: true, bond: "hub" }, "0b01"],
  ] as const)("of a value that must be %s, on the link %j", (security, link, answer) => {
    const { ask } = bench({ services: secured(security), security: () => link });
    expect(ask("0a0300")).toBe(answer);
    expect(ask("1204000200").slice(0, 2)).toBe(answer === "0b01" ? "13" : "01");
  });

  it("sends no indication over a link that is worth too little", async () => {
    const server = createGattServer(secured("encrypted"));
    const bonded = bench({ server, security: () => ({ encrypted: true, authenticated: false, bond: "hub" }) });
    bonded.ask("1204000200");
    bonded.gatt.close();
    const plain = bench({ server, security: () => ({ encrypted: false, authenticated: false, bond: "hub" }) });
    expect(plain.gatt.subscription("2a35")).toBe("off");
    expect(await plain.gatt.indicate("2a35", fromHex("aa"), { uninvited: true })).toBe("unsubscribed");
  });
});

describe("misbehaviour", () => {
  it("answers with an injected error", () => {
    const faults: GattFaults = {
      ...NO_FAULTS,
      errorFor: (what, uuid) => (what === "subscribe" && uuid === "2a35" ? 0x80 : null),
    };
    const { ask, gatt } = bench({ faults });
    expect(ask("1207000200")).toBe("0112070080");
    expect(gatt.subscription("2a35")).toBe("off");
    expect(ask("0a0300")).toBe("0b5a");
  });

  it("answers late, and in order", async () => {
    const { ask, take, clock } = bench({ faults: { ...NO_FAULTS, answerAfter: () => seconds(2) } });
    expect(ask("0a0300")).toBe("");
    ask("0a0500");
    await clock.advance(seconds(3));
    expect(take()).toBe("0b5a");
    await clock.advance(seconds(2));
    expect(take()).toBe("0b200600352a");
  });

  it("answers nothing at all", async () => {
    const { ask, take, clock } = bench({ faults: { ...NO_FAULTS, answerAfter: () => "never" } });
    ask("0a0300");
    await clock.advance(seconds(60));
    expect(take()).toBe("");
  });
});
