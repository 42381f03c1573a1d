import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import type { AccountView } from "../../gateway/diagnostics/hub-view.ts";
import type { OutboxAccount } from "../../gateway/store/account.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker } from "../../hardware-sim/broker/scripted-broker.ts";
import { askHub } from "../../hardware-sim/home/ask-hub.ts";
import { createHubProcess } from "../../hardware-sim/home/hub-process.ts";
import { writeCredentials } from "../../hardware-sim/region/credential-files.ts";
import { createRegionReceiver } from "../../hardware-sim/region/receiver.ts";
import { sensorId } from "../../protocol/ids.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import { MAIN, type TestHome, testHome } from "../gateway/support/test-hub.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { HUB } from "./support/hub-under-test.ts";
import { disagreements } from "./support/reconcile.ts";
import { authority } from "./support/tls-broker.ts";

const clock = createSystemClock();
const never = new AbortController().signal;
const SENSORS = ["cuff", "scale"];
const DESTROYED = 17;

type Account = OutboxAccount & Pick<AccountView, "sent" | "taken" | "refused">;

/** Two starts of a hub and its answers, on a machine that does other things as well. */
const PATIENCE_MS = 60_000;

const ask = async (hub: TestHome, ...words: readonly string[]): Promise<unknown> => {
  for await (const frame of askHub(hub.socket, words, never)) {
    if ("data" in frame) return frame.data;
    if ("error" in frame) throw new Error(frame.error);
  }
  return null;
};
const accountOf = async (hub: TestHome): Promise<Account> => (await ask(hub, "outbox account", "9999")) as Account;

const enter = (hub: TestHome, value: string): Promise<unknown> => {
  const values = { glucose: { value } };
  const entry = { schema: "entry/1", entry: randomUUID(), by: "patient", kind: "glucose", values };
  return ask(hub, "entry submit", JSON.stringify({ ...entry, choices: { meal: "fasting" } }));
};

/** What a home has measured over three days before the hub had a way out: 60 readings, of which one row is lost. */
const fill = async (directory: string): Promise<void> => {
  {
    await using outbox = await openSqliteOutbox({ directory, clock, logger: silentLogger });
    for (let n = 1; n <= 60; n++) {
      const sensor = SENSORS[n % 2] ?? "";
      const draft = sampleReading(n);
      const utc = `2026-11-${18 + (n % 3)}T23:${10 + (n % 50)}:00.000Z`;
      const reading: DraftReading = {
        ...draft,
        device: { ...draft.device, catalogue: `${sensor}@1`, serial: null },
        time: { ...draft.time, received: { ...draft.time.received, utc } },
      };
      await outbox.append([reading], sensorId(sensor));
    }
  }
  await using database = await openDatabase(join(directory, "outbox.db"));
  await database.query(`DELETE FROM reading WHERE seq = ${DESTROYED}`);
};

it("the account of a hub and that of its region agree for every sensor and day, past kills and a destroyed row", {
  timeout: 240_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const trusted = await authority;
  const region = stack.use(createRegionReceiver({ clock }));
  region.setFaults({ refuse: ({ seq }) => (seq % 10 === 0 ? "measured by somebody else" : null) });
  const broker = stack.use(
    await createScriptedBroker({
      behaviour: wellBehaved,
      tls: { ...(await trusted.server()), ca: trusted.certificate },
      clock,
      onDelivered: (topic, payload) => region.receive(topic, payload),
    }),
  );
  region.attach(async (topic, payload) => broker.send(topic, payload));
  const credentials = { ca: ["tls/ca.pem"], certificate: "tls/hub.crt", key: "tls/hub.key" };
  const home = stack.use(await testHome({ region: { url: `mqtts://localhost:${broker.port}`, ...credentials } }));
  await writeCredentials(trusted, join(home.folder, "tls"), HUB);
  await fill(join(home.folder, "data", "outbox"));

  const atRest = async (hub: TestHome, newest: number): Promise<Account> => {
    await until(
      () => region.account(HUB)?.high === newest && region.account(HUB)?.missing === 1,
      "the region has all",
      PATIENCE_MS,
    );
    return await until(
      async () => {
        const account = await accountOf(hub);
        return account.lines.every(({ waiting }) => waiting === 0) && account.sent === 0 ? account : null;
      },
      "the hub knows",
      PATIENCE_MS,
    );
  };
  const deviceOf = (sensor: string | null): string => `${sensor ?? "manual-entry"}@1`;
  const agreed = (account: Account): readonly string[] => {
    const there = region.account(HUB);
    if (there === null) return ["the region knows nothing of the hub"];
    return disagreements(account, there, deviceOf);
  };

  const hub = stack.use(
    createHubProcess({
      command: [process.execPath, MAIN, "run", "--config", home.configFile],
      clock,
      ptys: () => [],
      restartAfter: millis(20),
      observe: () => undefined,
    }),
  );
  await hub.start(AbortSignal.timeout(PATIENCE_MS));
  const before = await atRest(home, 60);
  expect(agreed(before)).toEqual([]);
  expect(before).toMatchObject({ numbers: { from: 1, to: 60 }, skipped: 1, taken: { stored: 0 } });
  for (let n = 0; n < 5; n++) await enter(home, `5.${10 + n}`);
  await hub.kill();
  await hub.whenReady(AbortSignal.timeout(PATIENCE_MS));
  for (let n = 0; n < 5; n++) await enter(home, `6.${10 + n}`);
  const after = await atRest(home, 70);
  expect(agreed(after)).toEqual([]);
  expect(after).toMatchObject({ numbers: { from: 1, to: 70 }, skipped: 1, taken: { stored: 5, known: 0 } });
  expect(region.account(HUB)?.gaps).toEqual([[DESTROYED, DESTROYED]]);
  expect(after.lines.reduce((sum, line) => sum + line.refused, 0)).toBe(7);
  // Seven lines: two sensors on three days, and what was entered today.
  expect(after.lines).toHaveLength(7);
  expect(region.counts()).toMatchObject({ accepted: 62, duplicatesInEffect: 0, numberingRestarts: 0 });
  expect(await hub.stop()).toBe(0);
});
