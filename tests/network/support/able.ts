import { spawnSync } from "node:child_process";
import { pathOf, type Requirement, requirement } from "../../support/requirements.ts";

/** Everything of the kernel that the suites use: a namespace, an interface pair, a rule with chance, a rate. */
const TRIAL = (ip: string, nft: string, tc: string, name: string): string =>
  [
    `${ip} netns add ${name}`,
    `${ip} -n ${name} link add trial0 type veth peer name trial1`,
    `${ip} netns exec ${name} ${nft} 'table inet t { chain c { type filter hook forward priority 0; numgen random mod 100 < 20 drop; meta l4proto tcp reject with tcp reset; }; }'`,
    `${ip} netns exec ${name} ${tc} qdisc add dev trial0 root tbf rate 9600bit burst 2000 limit 20000`,
  ].join(" && ");

/** What tests in network namespaces take: root, iproute2, nftables, and a kernel that has what they ask for. */
export const networkRequirement = (): Requirement => {
  for (const name of ["ip", "tc", "ss", "nft"] as const) {
    const found = requirement(name);
    if (!found.available) return found;
  }
  if (process.getuid?.() !== 0) {
    return { available: false, reason: "network namespaces are made by root: run the tests as root" };
  }
  const [ip, nft, tc] = [pathOf("ip") ?? "", pathOf("nft") ?? "", pathOf("tc") ?? ""];
  const name = `hemhub-trial-${process.pid}`;
  const { status, stderr } = spawnSync("sh", ["-c", TRIAL(ip, nft, tc, name)], { encoding: "utf8" });
  spawnSync(ip, ["netns", "del", name]);
  const said = stderr.trim().split("\n")[0] ?? "";
  return status === 0
    ? { available: true, reason: null }
    : { available: false, reason: `this kernel, or this container, makes no network for tests (${said})` };
};
