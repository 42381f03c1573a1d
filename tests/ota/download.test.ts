import { randomBytes } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openByteBudget } from "../../ota/download/byte-budget.ts";
import type { TrustedTarget } from "../../ota/trust/trusted-target.ts";
import { epochMs, millis, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { createTestHub, type TestHub } from "./hub.ts";
import { createMemorySource } from "./memory-source.ts";
import { createTestRepository, type TestRepository } from "./repository.ts";
import { type Answer, type PlainOptions, plainly, startWebServer, type WebServer } from "./web-server.ts";

const CONTENT = randomBytes(300_000);
const BROKEN_AT = 100_000;
const MONTH = millis(30 * 86_400_000);

let region: TestRepository;
let hub: TestHub;
let web: WebServer;
let target: TrustedTarget;

beforeEach(async () => {
  region = createTestRepository();
  region.addTarget("releases/hub 1?#.sqfs", CONTENT);
  region.publish();
  hub = await createTestHub({ root: region.firstRoot });
  web = await startWebServer(region.files);
  target = await hub.target(web.source, "releases/hub 1?#.sqfs");
  web.asked.length = 0;
});
afterEach(async () => {
  await web[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});

const image = (): string => join(hub.place, "images", "release");
const part = (): string => `${image()}.part`;
const download = () => hub.download(web.source, target);
const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
const expectWhole = async (): Promise<void> => {
  expect((await readFile(image())).equals(CONTENT)).toBe(true);
  expect([await exists(part()), await exists(`${part()}.json`)]).toEqual([false, false]);
};
/** One answer after the other; the last stays. */
const inTurn = (...answers: Answer[]): Answer => {
  let turn = 0;
  return (...request) => {
    answers[Math.min(turn, answers.length - 1)]?.(...request);
    turn += 1;
  };
};
const otherContent =
  (content: Buffer, answer: Answer): Answer =>
  (response, asked) =>
    answer(response, asked, content);
/** A server whose connection breaks once the hub has the first bytes. */
const breaking = (options: PlainOptions = {}): Answer =>
  plainly({
    ...options,
    breakAfter: BROKEN_AT,
    beforeBreaking: () =>
      until(async () => ((await hub.files.sizeOf(part())) ?? 0) >= BROKEN_AT, "the first bytes are on the disk"),
  });
const ranges = (): (string | null)[] => web.asked.map(({ range }) => range);

describe("a download", () => {
  it("is verified, and not repeated where the file is there", async () => {
    expect(await download()).toBe(image());
    await expectWhole();
    await download();
    expect(web.asked).toHaveLength(1);
  });

  it("goes on where the connection broke, if the file is still the same", async () => {
    web.answer = inTurn(breaking({ etag: '"1"' }), plainly({ etag: '"1"' }));
    await download();
    await expectWhole();
    expect(web.asked[1]).toMatchObject({ range: `bytes=${BROKEN_AT}-`, ifRange: '"1"' });
  });

  it("goes on where an earlier one ended, after a restart", async () => {
    web.answer = inTurn(breaking({ etag: '"1"' }), (response) => response.writeHead(503).end());
    await expect(download()).rejects.toMatchObject({
      code: "update-unreachable",
      message: expect.stringMatching(/503/),
    });
    web.answer = plainly({ etag: '"1"' });
    web.asked.length = 0;
    await download();
    await expectWhole();
    expect(ranges()).toEqual([`bytes=${BROKEN_AT}-`]);
  });

  it("begins anew from a server that knows no ranges", async () => {
    web.answer = inTurn(breaking({ ranges: false }), plainly({ ranges: false }));
    await download();
    await expectWhole();
  });

  it("begins anew where the file changed in between", async () => {
    const before = otherContent(randomBytes(CONTENT.length), breaking({ etag: '"old"' }));
    web.answer = inTurn(before, plainly({ etag: '"new"' }));
    await download();
    await expectWhole();
    expect(web.asked).toHaveLength(2);
  });

  it("begins anew where a server sends a part of a changed file all the same", async () => {
    const before = otherContent(randomBytes(CONTENT.length), breaking({ etag: '"old"' }));
    const careless: Answer = (response, asked, content) =>
      plainly({ etag: '"new"' })(response, { ...asked, ifRange: null }, content);
    web.answer = inTurn(before, careless);
    await download();
    await expectWhole();
  });

  it("begins anew once where two states of a file without a name for them were mixed", async () => {
    const before = otherContent(randomBytes(CONTENT.length), breaking());
    web.answer = inTurn(before, plainly());
    await download();
    await expectWhole();
    expect(ranges().at(-1)).toBeNull();
  });

  it("takes a weak ETag for none", async () => {
    web.answer = inTurn(breaking({ etag: 'W/"1"' }), plainly({ etag: 'W/"1"' }));
    await download();
    await expectWhole();
    expect(web.asked[1]?.ifRange).toBeNull();
  });

  it("begins anew where the server says that there is nothing behind", async () => {
    web.answer = inTurn(
      breaking({ etag: '"1"' }),
      (response) => response.writeHead(416).end(),
      plainly({ etag: '"1"' }),
    );
    await download();
    await expectWhole();
  });

  it("ends with the reason of its signal, and is resumed later", async () => {
    const stop = new AbortController();
    web.answer = (response, _, content) => {
      response.writeHead(200, { "content-length": CONTENT.length, etag: '"1"' });
      response.write(content?.subarray(0, BROKEN_AT));
    };
    const running = hub.download(web.source, target, { signal: stop.signal });
    const outcome = expect(running).rejects.toThrow("the window is over");
    await until(async () => ((await hub.files.sizeOf(part())) ?? 0) >= BROKEN_AT, "the first bytes are there");
    stop.abort(new Error("the window is over"));
    await outcome;
    web.answer = plainly({ etag: '"1"' });
    await download();
    expect(ranges()[1]).toBe(`bytes=${BROKEN_AT}-`);
  });
});

describe("content that is not what was signed", () => {
  it("is removed", async () => {
    web.answer = otherContent(randomBytes(CONTENT.length), plainly());
    await expect(download()).rejects.toMatchObject({
      code: "update-untrusted",
      message: expect.stringMatching(/not what the region signed; it was removed/),
    });
    expect([await exists(image()), await exists(part())]).toEqual([false, false]);
  });

  it("is not read at all where it says that it is too long", async () => {
    web.answer = otherContent(Buffer.concat([CONTENT, CONTENT]), plainly());
    await expect(download()).rejects.toMatchObject({ code: "update-too-large" });
    expect(await exists(part())).toBe(false);
  });

  it("is refused where it says that it is shorter", async () => {
    web.answer = otherContent(CONTENT.subarray(1), plainly());
    await expect(download()).rejects.toMatchObject({ code: "update-untrusted" });
  });

  it("without an end is cut off behind the last byte that is signed", async () => {
    let sent = 0;
    web.answer = (response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) sent += 16_384;
        response.once("drain", more);
      };
      more();
    };
    await expect(download()).rejects.toMatchObject({ code: "update-too-large" });
    expect(await exists(part())).toBe(false);
    // What the two sockets hold besides the 300 kB.
    expect(sent).toBeLessThan(20_000_000);
  });
});

describe("a server that does not serve", () => {
  it("breaking off at the same byte each time is given up after a few attempts", async () => {
    web.answer = breaking({ ranges: false });
    await expect(download()).rejects.toMatchObject({ code: "update-unreachable" });
    expect(web.asked.length).toBeLessThanOrEqual(7);
  });

  it("dribbling bytes is given up, however long it would go on", async () => {
    web.answer = (response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write("x");
    };
    const outcome = expect(download()).rejects.toMatchObject({
      code: "update-unreachable",
      message: expect.stringMatching(/sent \d+ bytes in 60 s, and 4096 are the least/),
    });
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await until(() => web.asked.length === attempt && hub.clock.sleeping === 1, `attempt ${attempt}`);
      await hub.clock.advance(seconds(60));
    }
    await outcome;
  });

  it("saying nothing at all is given up too", async () => {
    web.answer = () => undefined;
    const outcome = expect(hub.refresh(web.source)).rejects.toMatchObject({ code: "update-unreachable" });
    await until(() => web.asked.length === 1 && hub.clock.sleeping === 1, "the request is there");
    await hub.clock.advance(seconds(60));
    await outcome;
  });

  it("on a slow link is waited for: an hour for 300 kB", async () => {
    let send: ((bytes: Buffer) => void) | undefined;
    web.answer = (response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.flushHeaders();
      send = (bytes) => response.write(bytes);
    };
    const running = download();
    await until(() => send !== undefined && hub.clock.sleeping === 1, "the request is there");
    for (let at = 0; at < CONTENT.length; at += 5000) {
      send?.(CONTENT.subarray(at, at + 5000));
      const there = Math.min(at + 5000, CONTENT.length);
      await until(async () => ((await hub.files.sizeOf(part())) ?? there) >= there, `${there} bytes are there`);
      await hub.clock.advance(seconds(60));
    }
    await running;
    await expectWhole();
  });

  it.each<[string, Answer]>([
    ["a web page", (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in")],
    ["a redirection", (response) => response.writeHead(302, { location: "http://portal.test/" }).end()],
  ])("as a public network's sign-in page with %s does is told by name", async (_, answer) => {
    web.answer = inTurn(breaking({ etag: '"1"' }), answer);
    await expect(download()).rejects.toMatchObject({
      code: "update-unreachable",
      message: expect.stringMatching(/sign-in page of a public network/),
    });
    await expect(hub.refresh(web.source)).rejects.toMatchObject({ message: expect.stringMatching(/sign-in page/) });
    web.answer = plainly({ etag: '"1"' });
    web.asked.length = 0;
    await download();
    expect(ranges()[0]).not.toBeNull();
  });

  it("has not published what is listed", async () => {
    web.answer = (response) => response.writeHead(404).end();
    await expect(download()).rejects.toMatchObject({ message: expect.stringMatching(/listed and not there/) });
    expect(web.asked).toHaveLength(1);
  });

  it("is not there", async () => {
    await web[Symbol.asyncDispose]();
    await expect(download()).rejects.toMatchObject({ code: "update-unreachable" });
  });
});

describe("the budget of a metered link", () => {
  const openBudget = () =>
    openByteBudget(
      { files: hub.files, file: join(hub.place, "wwan.use"), limitBytes: BROKEN_AT, period: MONTH },
      hub.clock,
    );

  it("ends a download, also after a restart, and the next period goes on with it", async () => {
    const source = createMemorySource(region);
    const over = { code: "update-over-budget" };
    await expect(hub.download(source, target, { budget: await openBudget() })).rejects.toMatchObject(over);
    expect(await hub.files.sizeOf(part())).toBe(2 * 65_536);
    await expect(hub.download(source, target, { budget: await openBudget() })).rejects.toMatchObject(over);
    expect(source.asked).toHaveLength(1);
    await hub.clock.advance(MONTH);
    await expect(hub.download(source, target, { budget: await openBudget() })).rejects.toMatchObject(over);
    expect(await hub.files.sizeOf(part())).toBe(4 * 65_536);
    await hub.clock.advance(MONTH);
    await hub.download(source, target, { budget: await openBudget() });
    await expectWhole();
  });

  it("is not renewed by a clock that is set back", async () => {
    const budget = await openBudget();
    budget.spend(BROKEN_AT);
    await budget.save();
    const now = hub.clock.now();
    hub.clock.setWallClock(epochMs(0));
    expect((await openBudget()).left()).toBe(0);
    hub.clock.setWallClock(now);
    expect((await openBudget()).left()).toBe(0);
  });
});

describe("a disk", () => {
  it("with too little room is told before the first byte, with what the use of the file takes", async () => {
    const { files } = hub;
    hub.files = { ...files, freeBytes: async () => CONTENT.length * 1.2 };
    await expect(hub.download(web.source, target, { alsoNeededBytes: 1 })).rejects.toMatchObject({
      code: "update-no-space",
      message: expect.stringMatching(/needs 1 MB on the disk and 0 MB are free/),
    });
    expect(web.asked).toEqual([]);
    await hub.download(web.source, target);
    await expectWhole();
  });

  it("that is full in the middle gets its room back, and the download begins anew later", async () => {
    const { files } = hub;
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    let written = 0;
    hub.files = {
      ...files,
      grow: async (path, keep) => {
        const file = await files.grow(path, keep);
        return {
          ...file,
          write: async (bytes) => {
            written += bytes.length;
            if (written > BROKEN_AT) throw full;
            await file.write(bytes);
          },
        };
      },
    };
    await expect(download()).rejects.toMatchObject({ code: "update-no-space" });
    expect([await exists(part()), await exists(`${part()}.json`)]).toEqual([false, false]);
    hub.files = files;
    await download();
    await expectWhole();
  });
});
