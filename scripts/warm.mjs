// Run a release for a moment, so that what V8 compiles then lies ready in its folder (compile-cache): a hub that starts
// from it reaches its region in less time. The cache holds for one Node, one architecture and one user: an installation
// makes it as the user of the hub. Without it a hub starts as well, and where it may not write there, it stays without.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A hub of no sensors, whose region is on port 1 of this machine (tcpmux), where nobody listens. */
const configOf = (folder) => `
hub: { id: warm-up, assignment: none, dataDir: ${JSON.stringify(path.join(folder, "data"))}, timeZone: UTC }
region: { url: "mqtts://localhost:1", ca: [ca.pem], certificate: hub.crt, key: hub.key }
sensors: []
`;

export const warm = async (release) => {
  const folder = mkdtempSync(path.join(tmpdir(), "hemhub-warm-"));
  try {
    const config = path.join(folder, "hub.yaml");
    writeFileSync(config, configOf(folder));
    // The launcher uses the folder only where there is one.
    mkdirSync(path.join(release, "compile-cache"), { recursive: true });
    const hub = spawn(path.join(release, "hemhub"), ["run", "--config", config], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => hub.once("close", resolve));
    hub.stdout.setEncoding("utf8").on("data", (text) => {
      if (text.includes('"hub ready"')) hub.kill("SIGTERM");
    });
    const code = await ended;
    if (code !== 0) throw new Error(`${release}: its hub ended with ${code} where it was to be started once`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
