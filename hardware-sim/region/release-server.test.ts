import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createReleaseServer, type ReleaseServer } from "./release-server.ts";

let folder: string;
let server: ReleaseServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-releases-"));
  for (const part of ["metadata", "targets/releases", "keys"]) await mkdir(join(folder, part), { recursive: true });
  await writeFile(join(folder, "metadata", "timestamp.json"), "{}");
  await writeFile(join(folder, "targets", "releases", "one.zst"), "0123456789");
  await writeFile(join(folder, "keys", "root.pem"), "secret");
  await symlink(join(folder, "keys", "root.pem"), join(folder, "targets", "link"));
  server = await createReleaseServer({ folder });
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);

/** The path as it is, which fetch would tidy up. */
const statusOf = (path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request({ port: server.port, host: "127.0.0.1", path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });

it("serves a file whole, with its length, type and a validator", async () => {
  const metadata = await ask("/metadata/timestamp.json");
  expect([metadata.status, metadata.headers.get("content-type")]).toEqual([200, "application/json"]);
  const target = await ask("/targets/releases/one.zst");
  expect(target.headers.get("content-type")).toBe("application/octet-stream");
  expect(target.headers.get("etag")).toMatch(/^"/);
  expect(await target.text()).toBe("0123456789");
  const head = await ask("/targets/releases/one.zst", { method: "HEAD" });
  expect([head.headers.get("content-length"), await head.text()]).toEqual(["10", ""]);
});

it("goes on where a transfer broke off, and begins anew where the file is another one", async () => {
  const etag = (await ask("/targets/releases/one.zst")).headers.get("etag") ?? "";
  const from = (range: string, condition: string): Promise<Response> =>
    ask("/targets/releases/one.zst", { headers: { range, "if-range": condition } });
  const rest = await from("bytes=6-", etag);
  expect([rest.status, rest.headers.get("content-range"), await rest.text()]).toEqual([206, "bytes 6-9/10", "6789"]);
  const anew = await from("bytes=6-", '"another"');
  expect([anew.status, await anew.text()]).toEqual([200, "0123456789"]);
  expect((await from("bytes=10-", etag)).status).toBe(416);
});

it.each([
  "/keys/root.pem",
  "/targets/../keys/root.pem",
  "/targets/%2e%2e/keys/root.pem",
  "/targets/..%2fkeys%2froot.pem",
  "/targets/link",
  "/targets/releases",
  "/targets/releases/",
  "/metadata/none.json",
  "/metadata%00",
  "/%ff",
  "/",
])("has nothing at %s", async (path) => {
  expect(await statusOf(path)).toBe(404);
});

it("takes nothing", async () => {
  const put = await ask("/metadata/timestamp.json", { method: "PUT", body: "{}" });
  expect(put.status).toBe(405);
});
