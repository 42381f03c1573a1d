import { join } from "node:path";
import { openBondStore } from "../../drivers/ble/security/bond-store.ts";
import { openClockAnchor } from "../../gateway/clock/clock-anchor.ts";
import { openIdentityBook } from "../../gateway/enrolment/identity-book.ts";
import { openEntryLedger } from "../../gateway/entry/entry-ledger.ts";
import { openSensorMemories } from "../../gateway/sensor-memory.ts";
import { readFloor, writeFloor } from "../../gateway/store/number-floor.ts";
import { openCataloguePlace } from "../../gateway/updates/catalogue-place.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { assignmentId, type ReadingId, sensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { epochMs, millis } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";

/** Something that is kept in a file, opened as the hub does at its start. */
export interface Kept {
  /** Which of the versions that were written is there now; 0 for none. */
  version(): number;
  /** Durable when it resolves. Versions count from 1. */
  write(version: number): Promise<void>;
}

/** A durable file of the hub, to be cut at every operation: see file-cuts.ts. */
export interface DurableSubject {
  readonly name: string;
  /** Each how many operations it is cut, where looking at it takes long: a prime, to meet every kind. Default: each. */
  readonly every?: number;
  /** `trouble` is told when the file makes no sense; then version 0 is expected. */
  open(directory: string, trouble: (sentence: string) => void): Promise<Kept>;
}

const ASSIGNMENT = assignmentId("a-7f3c9b");
const SENSOR = sensorId("cuff");

/** A logger whose warnings are trouble: that is how these files say that they cannot be read. */
const loggerOf = (trouble: (sentence: string) => void): Logger => ({
  ...silentLogger,
  warn: (message, fields) => trouble(`${message}: ${String(fields?.reason ?? "")}`),
});

const floor: DurableSubject = {
  name: "number floor",
  open: async (directory) => {
    const file = join(directory, "outbox.floor");
    const found = await readFloor(file);
    return {
      version: () => found?.seq ?? 0,
      write: (version) => writeFloor(file, { seq: version, counter: version, series: 1 }),
    };
  },
};

const sensorMemory: DurableSubject = {
  name: "sensor memory",
  open: async (directory, trouble) => {
    const known = [{ id: SENSOR, assignment: ASSIGNMENT }];
    const memories = await openSensorMemories(
      join(directory, "sensor-memory.json"),
      known,
      loggerOf(trouble),
      (one) => one,
    );
    const memory = memories.of(SENSOR, ASSIGNMENT);
    return {
      version: () => Number(memory.read("last") ?? 0),
      write: (version) => memory.write("last", String(version)),
    };
  },
};

const identities: DurableSubject = {
  name: "sensor identities",
  open: async (directory, trouble) => {
    const known = [{ id: SENSOR, bound: "serial:1" }];
    const book = await openIdentityBook(join(directory, "enrolment.json"), known, loggerOf(trouble), trouble);
    return {
      version: () => Number(book.of(SENSOR).serialNumber ?? 0),
      write: async (version) => {
        await book.write(SENSOR, { serialNumber: String(version), found: null });
      },
    };
  },
};

const bonds: DurableSubject = {
  name: "bonds",
  open: async (directory, trouble) => {
    const store = await openBondStore(join(directory, "bonds.json"), trouble);
    const address = "c0:26:da:00:00:01";
    return {
      version: () => store.get(address)?.ediv ?? 0,
      write: (version) =>
        store.put({
          ltk: "0".repeat(32),
          ediv: version,
          rand: "0".repeat(16),
          irk: null,
          identity: { address, type: "public" },
          secureConnections: true,
          association: "just-works",
          authenticated: false,
          pairedAt: null,
        }),
    };
  },
};

const entries: DurableSubject = {
  name: "manual entries",
  open: async (directory, trouble) => {
    const ledger = await openEntryLedger(join(directory, "entries.json"), ASSIGNMENT, loggerOf(trouble), (one) => one);
    return {
      version: () => ledger.entries.length,
      write: (version) =>
        ledger.add(
          {
            reading: `r-${version}` as ReadingId,
            kind: "body-weight",
            title: "weight",
            by: "technician",
            time: { start: null, uncertaintyMs: null } as never,
            form: "f",
            assignment: ASSIGNMENT,
            isReplaced: false,
          },
          null,
        ),
    };
  },
};

/** How many versions a process under the recorder writes. */
export const VERSIONS = 8;

/** One boot for each version, for an anchor is taken once in a boot, and one for the version after a cut. */
const MOST_BOOTS = VERSIONS + 1;

const clockAnchor: DurableSubject = {
  name: "clock anchor",
  open: async (directory, trouble) => {
    const keeperOf = (boot: number, onTrouble: (sentence: string) => void) =>
      openClockAnchor({
        file: join(directory, "clock-anchor.json"),
        time: {
          stamp: () => ({
            utc: epochMs(1_780_000_000_000 + boot),
            bootId: `boot-${boot}`,
            monoMs: millis(1000),
            hubClock: { state: "ntp", errorMs: 20 },
          }),
        },
        clock: createSimulatedClock(),
        logger: loggerOf(onTrouble),
        onAnchored: () => undefined,
      });
    let found = 0;
    for (let boot = 1; boot <= MOST_BOOTS; boot += 1) {
      if ((await keeperOf(boot, boot === 1 ? trouble : () => undefined)).current() !== null) found = boot;
    }
    return {
      version: () => found,
      write: async (version) => (await keeperOf(version, () => undefined)).run(AbortSignal.timeout(10_000)),
    };
  },
};

/** A whole entry, for the catalogue is looked through before it counts. */
const ENTRY = `id: scale
version: "1"
manufacturer: A&D
model: EK-L series
udiDi: null
recognise: { usb: null }
driver: and-scale
transport: serial
pairing: none
line: { baudRate: 2400, dataBits: 7, parity: even, stopBits: 1 }
quirks: []
certification: { scheme: null, class: null, firmware: null }
quantities: [body-weight]
sources: [manual of the maker]
`;

const signedCatalogue: DurableSubject = {
  name: "signed catalogue",
  every: 7,
  open: async (directory, trouble) => {
    const files = createDiskFiles();
    const place = openCataloguePlace(files, directory);
    const installed = await place.installed();
    const isNamed = (await files.list(directory)).includes("in-force.json");
    if (installed === null && isNamed) trouble("the catalogue that is in force is not whole");
    if (installed !== null) await place.load(installed);
    return {
      version: () => installed?.counter ?? 0,
      write: async (version) => {
        const texts = new Map([["scale.yaml", ENTRY.replace('version: "1"', `version: "${version}"`)]]);
        await place.prune(await place.install(texts, { target: `catalogue/${version}`, counter: version }));
      },
    };
  },
};

/** Every file of the hub that is replaced as a whole. A new one gets an entry here. */
export const durableSubjects: readonly DurableSubject[] = [
  floor,
  sensorMemory,
  identities,
  bonds,
  entries,
  clockAnchor,
  signedCatalogue,
];

export const subjectNamed = (name: string): DurableSubject => {
  const found = durableSubjects.find((subject) => subject.name === name);
  if (found === undefined) throw new RangeError(`no durable file is called ${name}`);
  return found;
};
