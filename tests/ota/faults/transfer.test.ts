import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReasonCode, WantedRelease } from "../../../ota/update/update-state.ts";
import { seconds } from "../../../protocol/time.ts";
import { requirement, titled } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import type { UpdateRun } from "../update-bench.ts";
import { type Answer, plainly } from "../web-server.ts";
import { bulky, createFaultBench, type FaultBench } from "./fault-bench.ts";

const tools = requirement("mksquashfs");

const isTarget = (url: string): boolean => url.startsWith("/targets/");
const isTimestamp = (url: string): boolean => url.endsWith("/timestamp.json");

describe.skipIf(!tools.available)(titled("F47, F49: an update whose way to the hub is at fault", tools), () => {
  let bench: FaultBench;
  let wanted: WantedRelease;
  beforeEach(async () => {
    bench = await createFaultBench();
    wanted = await bench.region.release("one", 1, { script: bulky("one") });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  /** `fault` for what `isMeant`, the proper thing for all else. */
  const answer = (isMeant: (url: string) => boolean, fault: Answer): void => {
    const properly = plainly();
    bench.server.answer = (response, asked, content) =>
      (isMeant(asked.url) ? fault : properly)(response, asked, content);
  };

  const fails = async (code: ReasonCode, says: RegExp): Promise<void> => {
    const memory = await bench.ends(wanted, "failed-retryable");
    expect(memory.outcomes[0]?.why).toMatchObject({ code, sentence: expect.stringMatching(says) });
    expect(memory.wanted).not.toBeNull();
    await bench.runs("base", "base");
  };

  const isPaused = ({ updates }: UpdateRun, says: RegExp): void => {
    const why = { code: "update-unreachable", sentence: expect.stringMatching(says) };
    expect(updates.memory().state).toMatchObject({ tag: "paused", why });
  };

  const isHeldBy = async (says: RegExp): Promise<void> => {
    const run = await bench.hub.start();
    await run.updates.want(wanted);
    await run.reached("paused");
    isPaused(run, says);
    await run.end();
    await bench.runs("base", "base");
  };

  const goesOn = async (): Promise<void> => {
    bench.server.answer = plainly();
    await bench.ends(null, "installed");
    await bench.recovers();
  };

  /** Writes for as long as somebody reads. */
  const endlessly: Answer = (response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384, 32)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  };

  it.each([
    ["metadata", isTimestamp, /timestamp\.json .* longer than the 16384 bytes/],
    ["a release", isTarget, /sends more bytes/],
  ])("endless: %s without an end is cut off", async (_, isMeant, says) => {
    answer(isMeant, endlessly);
    await fails("update-too-large", says);
    await goesOn();
  });

  it("oversized: what says that it is longer than signed is not read", async () => {
    answer(isTarget, (response, _, content) => {
      response.writeHead(200, { "content-length": (content?.length ?? 0) + 1 });
      response.end(Buffer.concat([content ?? Buffer.alloc(0), Buffer.alloc(1)]));
    });
    await fails("update-too-large", /are signed; stopped/);
    await goesOn();
  });

  it("truncated: what says that it is shorter than signed is not taken", async () => {
    answer(isTarget, (response, _, content) => void response.end(content?.subarray(0, 1000)));
    await fails("update-untrusted", /1000 bytes.*are signed/);
    await goesOn();
  });

  it("truncated: a list that breaks off is none, and a release that breaks off is resumed", async () => {
    answer(isTimestamp, plainly({ breakAfter: 100 }));
    await fails("update-unreachable", /./);
    answer(isTarget, plainly({ etag: '"a"', breakAfter: 0 }));
    await isHeldBy(/./);
    await goesOn();
  });

  /** Lets go of the line half way through the first release that is asked for. */
  const breaksOnce = (then: Answer, etag?: string): void => {
    let isBroken = false;
    answer(isTarget, (response, asked, content) => {
      const first = plainly({ breakAfter: 60_000, ...(etag === undefined ? {} : { etag }) });
      (isBroken ? then : first)(response, asked, content);
      isBroken = true;
    });
  };

  const transfers = (): number => bench.server.asked.filter(({ url }) => isTarget(url)).length;

  it("no Range: a server that knows no parts sends it again from the start", async () => {
    breaksOnce(plainly({ ranges: false }));
    await bench.ends(wanted, "installed");
    await bench.runs("one", "current");
    expect(transfers()).toBeGreaterThan(1);
    await bench.recovers();
  });

  it("changed ETag: a file that changed in between is begun anew", async () => {
    breaksOnce(plainly({ etag: '"b"' }), '"a"');
    await bench.ends(wanted, "installed");
    await bench.runs("one", "current");
    expect(transfers()).toBeGreaterThan(1);
    await bench.recovers();
  });

  it("slow-loris: a server that holds the line with a byte a minute is let go of", async () => {
    const held: ServerResponse[] = [];
    answer(isTarget, (response, _, content) => {
      response.writeHead(200, { "content-length": content?.length ?? 0 });
      response.write("x");
      held.push(response);
    });
    const run = await bench.hub.start();
    await run.updates.want(wanted);
    await until(async () => {
      // Only ever while the server holds the line: the machine's own slowness is none of the server's.
      if (held.pop() !== undefined) await bench.hub.clock.advance(seconds(61));
      return run.updates.memory().state.tag === "paused";
    }, "the download pauses");
    isPaused(run, /[01] bytes in 60 s, and 4096 are the least/);
    await run.end();
    await bench.runs("base", "base");
    await goesOn();
  });

  it.each<readonly [string, Answer, RegExp]>([
    [
      "a redirection",
      (response) => void response.writeHead(302, { location: "http://login.invalid/" }).end(),
      /redirection \(302\), as the sign-in page/,
    ],
    [
      "a page",
      (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in</html>"),
      /web page, as the sign-in page/,
    ],
  ])("captive portal: %s is no release, and the sentence names it", async (_, portal, says) => {
    answer(() => true, portal);
    await fails("update-unreachable", says);
    answer(isTarget, portal);
    await isHeldBy(says);
    await goesOn();
  });

  it("whole network down: before the check it is tried again, in the download it is held", async () => {
    const down: Answer = (response) => void response.destroy();
    answer(() => true, down);
    await fails("update-unreachable", /check the home's Internet/);
    answer(isTarget, down);
    await isHeldBy(/./);
    await goesOn();
  });
});
