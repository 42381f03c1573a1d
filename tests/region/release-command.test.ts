import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { releaseProgram } from "../../region/release/program.ts";

let place = "";

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-release-"));
  for (const name of ["ada", "bo", "cai", "line"]) await release("keygen", at(`${name}.pem`));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const at = (name: string): string => join(place, name);

/** What the command says: to stdout where it succeeds, to stderr where it fails. */
const release = async (...args: readonly string[]): Promise<string> => {
  const said = { out: "", err: "" };
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.err += String(text);
    return true;
  });
  try {
    return (await releaseProgram(args)) === 0 ? said.out : `failed: ${said.err}`;
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
};

const sign = (role: string, name: string): Promise<string> =>
  release("sign", at("repo"), "--role", role, "--key", at(`${name}.pem`));
const publish = (): Promise<string> => release("publish", at("repo"), "--key", at("line.pem"));
const refresh = (name = "line"): Promise<string> => release("refresh", at("repo"), "--key", at(`${name}.pem`));

const trust = (names: readonly string[]): readonly string[] => {
  const files = names.map((name) => at(`${name}.pem.pub`));
  const role = (option: string): readonly string[] => [`--${option}`, ...files, `--${option}-threshold`, "2"];
  return [...role("root"), ...role("targets"), "--online", at("line.pem.pub")];
};

/** A region of three people of whom two must sign, with one release. */
const setUp = async (): Promise<void> => {
  await release("init", at("repo"), ...trust(["ada", "bo", "cai"]));
  const custom = { hardware: ["rpi4b"], arch: "arm64", counter: 7, minFrom: 0 };
  await writeFile(at("image"), "seven");
  const built = { targets: [{ path: "releases/seven.sqfs.zst", file: "image", custom }] };
  await writeFile(at("built.json"), JSON.stringify(built));
  await release("add", at("repo"), "--built", at("built.json"));
};
const signBoth = async (role: string): Promise<void> => {
  for (const name of ["ada", "bo"]) await sign(role, name);
};

describe("the commands of a region's releases", () => {
  it("say who still has to sign, by the names of the key files", async () => {
    await setUp();
    expect(await sign("root", "bo")).toBe("draft of root 1: 1 of 2 signatures, waits for: ada, cai\n");
    expect(await publish()).toMatch(/^failed: .*root 1 has 1 of 2 signatures; sign it first: ada, cai\n$/);
    expect(await sign("root", "cai")).toBe("draft of root 1: 2 of 2 signatures, ready to publish\n");
    // Nothing is in place as long as something lacks signatures.
    expect(await publish()).toMatch(/targets 1 has 0 of 2 signatures; sign it first: ada, bo, cai/);
    expect(await readdir(at("repo"))).not.toContain("metadata");
  });

  it("say what hubs get, until when, with which counters, and what waits", async () => {
    await setUp();
    expect(await release("status", at("repo"))).toMatch(/^nothing is published\ndraft of root 1: 0 of 2/);
    await signBoth("root");
    await signBoth("targets");
    await publish();
    const status = await release("status", at("repo"));
    expect(status).toMatch(/^root 1: until \S+Z, 36[45] days left$/m);
    expect(status).toMatch(/^targets 1: until \S+Z, (119|120) days left$/m);
    expect(status).toMatch(/^timestamp 1: until \S+Z, [23] days left$/m);
    expect(status).toMatch(/^releases\/seven\.sqfs\.zst: counter 7, for rpi4b \(arm64\)$/m);
    expect(status).toMatch(/^nothing waits for a signature$/m);
    const { roles, drafts } = JSON.parse(await release("status", at("repo"), "--json"));
    expect(roles).toMatchObject([{ role: "root", version: 1 }, {}, {}, {}]);
    expect(drafts).toEqual([]);
  });

  it("say what is to be done before something expires, and after", async () => {
    await setUp();
    await signBoth("root");
    await signBoth("targets");
    await publish();
    const daysFromNow = async (days: number): Promise<string> => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + days * 86_400_000 });
      try {
        return await release("status", at("repo"));
      } finally {
        vi.useRealTimers();
      }
    };
    expect(await daysFromNow(2.5)).toMatch(/^timestamp 1: .*, 0 days left: run release refresh, daily$/m);
    const later = await daysFromNow(121);
    expect(later).toMatch(
      /^targets 1: .*, EXPIRED, hubs take nothing new: run release renew --role targets, and sign$/m,
    );
    expect(later).toMatch(/^root 1: until \S+Z, 24\d days left$/m);
  });

  it("go on signing what is online while people are still asked for signatures", async () => {
    await setUp();
    expect(await refresh()).toMatch(/^failed: .*has no published root yet; sign root and publish/);
    await signBoth("root");
    await signBoth("targets");
    await publish();
    expect(await release("renew", at("repo"), "--role", "targets")).toMatch(/^draft of targets 2: 0 of 2/);
    expect(await publish()).toMatch(/^failed: /);
    expect(await refresh()).toBe("snapshot and timestamp are signed again\n");
    expect(await refresh("ada")).toMatch(/^failed: .*the key given is no online key of root 1; use that one/);
    const status = await release("status", at("repo"));
    expect(status).toMatch(/^targets 1: /m);
    expect(status).toMatch(/^timestamp 2: /m);
  });

  it("renew root with the same keys, and what is listed stays", async () => {
    await setUp();
    await signBoth("root");
    await signBoth("targets");
    await publish();
    await release("renew", at("repo"), "--role", "root");
    await release("renew", at("repo"), "--role", "targets");
    await signBoth("root");
    await signBoth("targets");
    expect(await publish()).toMatch(/^published/);
    const status = await release("status", at("repo"));
    expect(status).toMatch(/^root 2: /m);
    expect(status).toMatch(/counter 7, for rpi4b/);
  });

  it("ask the old keys and the new for a root with others", async () => {
    await setUp();
    await signBoth("root");
    await signBoth("targets");
    await publish();
    await release("keygen", at("dee.pem"));
    await release("keygen", at("eli.pem"));
    expect(await release("trust", at("repo"), ...trust(["dee", "eli"]))).toMatch(
      /^draft of root 2: 0 of 2 signatures, waits for: dee, eli, ada, bo, cai$/m,
    );
    await sign("root", "dee");
    expect(await sign("root", "eli")).toBe("draft of root 2: 0 of 2 signatures, waits for: ada, bo, cai\n");
    await sign("root", "ada");
    expect(await sign("root", "cai")).toBe("draft of root 2: 2 of 2 signatures, ready to publish\n");
  });

  it("list a release again with a higher counter, beside the old one", async () => {
    await setUp();
    const target = "releases/seven.sqfs.zst";
    expect(await release("recount", at("repo"), target, "--counter", "7")).toMatch(/counter 7 is not above 7/);
    expect(await release("recount", at("repo"), "releases/six", "--counter", "8")).toMatch(
      /six is not listed as a release/,
    );
    expect(await release("recount", at("repo"), target, "--counter", "8")).toMatch(
      /^listed releases\/seven\.counter-8\.sqfs\.zst\n/,
    );
    const again = await release("recount", at("repo"), "releases/seven.counter-8.sqfs.zst", "--counter", "9");
    expect(again).toMatch(/^listed releases\/seven\.counter-9\.sqfs\.zst\n/);
    expect(await release("recount", at("repo"), target, "--counter", "10", "--as", target)).toMatch(
      /is listed already/,
    );
    await signBoth("root");
    await signBoth("targets");
    await publish();
    const status = await release("status", at("repo"));
    for (const counter of [7, 8, 9]) expect(status).toContain(`counter ${counter}, for rpi4b (arm64)`);
  });
});
