import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { pathOf } from "../../support/requirements.ts";

const execute = promisify(execFile);

export type Interface = "eth0" | "wlan0";
export type Place = "hub" | "router";

/**
 * A home's network in kernel namespaces: `hub -- router -- this machine`, where the region's servers listen. Faults are
 * rules of the router's firewall, a rate on its way out, links that go down. Only this machine's own side is outside of
 * the namespaces: one interface with one route, which go with them.
 */
export interface HomeNetwork extends AsyncDisposable {
  /** Address of this machine towards the router: where the region's servers listen. */
  readonly region: string;
  /** Another address of this machine: where somebody else's servers listen. */
  readonly elsewhere: string;
  /** Program and arguments that run `command` at a place, in the same process. */
  at(place: Place, ...command: readonly string[]): readonly [string, ...string[]];
  /** Run it to its end; resolves with what it says, rejects with what it complains of. */
  run(place: Place, ...command: readonly string[]): Promise<string>;
  /** Replace the router's rules for what it forwards; its counters `allowed` and `foreign` begin anew. */
  firewall(...rules: readonly string[]): Promise<void>;
  /** Packets that a rule `counter name X` has met since `firewall`. */
  counted(counter: "allowed" | "foreign"): Promise<number>;
  /** First packets of connections that the hub has sent, also those that came to nothing. */
  attempts(): Promise<number>;
  /** Bits a second in each direction, null for no limit, through a queue of `QUEUE_BYTES`. */
  rate(bits: number | null): Promise<void>;
  /** Pull the hub's cable out of the router, and put it back. */
  cable(state: "in" | "out"): Promise<void>;
  /** The hub has this address and no other; what it had is gone, as after a lease that was not renewed. */
  lease(host: number): Promise<void>;
  /** The hub goes over to its other interface, which is in another network. */
  goOver(to: Interface): Promise<void>;
  /** What processes that start at the hub from now on read as /etc/resolv.conf. */
  nameServers(resolvConf: string): Promise<void>;
}

/** A home router's buffer: at 9.6 kbit/s it holds 17 s. */
const QUEUE_BYTES = 20_000;
/** A full segment and its frame: tbf passes nothing larger at once. */
const BURST_BYTES = 2000;
/** The networks that RFC 2544 sets aside for tests: 198.18.N.0/24 to this machine, 198.19.N.0/24 in the home. */
const MOST_NETWORKS = 250;
const PREFIX = "hemhub-net";
const HOST = { eth0: 10, wlan0: 140 } as const;
const GATEWAY = { eth0: 1, wlan0: 129 } as const;

/** Counts the SYN packets of this end; those that TCP repeats as well. */
const ATTEMPTS = `table inet watch { counter attempts { }
  chain output { type filter hook output priority 0; policy accept; tcp flags & (syn | ack) == syn counter name attempts; }; }`;

const ip = (...args: readonly string[]): Promise<unknown> => execute(pathOf("ip") ?? "ip", [...args]);

/** Namespaces of test runs that were killed. */
const sweep = async (): Promise<void> => {
  const { stdout } = await execute(pathOf("ip") ?? "ip", ["netns", "list"]);
  for (const line of stdout.split("\n")) {
    const [name = ""] = line.split(" ");
    const pid = new RegExp(`^${PREFIX}-\\d+-(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await ip("netns", "del", name).catch(() => undefined);
    await rm(`/etc/netns/${name}`, { recursive: true, force: true });
  }
};

/** Take the first number that nobody has: the name of the interface on this machine decides. */
const claim = async (): Promise<{ number: number; hub: string; router: string }> => {
  for (let tried = 0; tried < MOST_NETWORKS; tried++) {
    const number = ((process.pid + tried) % MOST_NETWORKS) + 1;
    const [hub, router] = [`${PREFIX}-${number}-${process.pid}-hub`, `${PREFIX}-${number}-${process.pid}-router`];
    try {
      await ip("netns", "add", router);
    } catch {
      // This process has one of this number already.
      continue;
    }
    try {
      await ip("link", "add", `hemhub${number}`, "type", "veth", "peer", "name", "wan", "netns", router);
    } catch {
      // Another process has it.
      await ip("netns", "del", router);
      continue;
    }
    await ip("netns", "add", hub);
    return { number, hub, router };
  }
  throw new Error(`all ${MOST_NETWORKS} test networks are in use; look at ip netns list`);
};

export const createHomeNetwork = async (): Promise<HomeNetwork> => {
  await sweep();
  const { number, hub, router } = await claim();
  const names = { hub, router };
  const region = `198.18.${number}.1`;
  const elsewhere = `198.18.${number}.3`;
  const home = (host: number): string => `198.19.${number}.${host}`;
  const resolverFolder = `/etc/netns/${hub}`;

  const at = (place: Place, ...command: readonly string[]): readonly [string, ...string[]] => [
    pathOf("ip") ?? "ip",
    "netns",
    "exec",
    names[place],
    ...command,
  ];
  const run = async (place: Place, ...command: readonly string[]): Promise<string> => {
    const [program, ...args] = at(place, ...command);
    return (await execute(program, args)).stdout;
  };
  const ipAt = (place: Place, ...args: readonly string[]): Promise<unknown> => ip("-n", names[place], ...args);

  const firewall = async (...rules: readonly string[]): Promise<void> => {
    const script = [
      "table inet fault",
      "delete table inet fault",
      "table inet fault {",
      "counter allowed { }",
      "counter foreign { }",
      "chain forward { type filter hook forward priority 0; policy accept;",
      ...rules,
      "}",
      "}",
    ].join("\n");
    await run("router", pathOf("nft") ?? "nft", script);
  };

  const packets = async (place: Place, counter: string): Promise<number> => {
    const said = await run(place, pathOf("nft") ?? "nft", `list counter ${counter}`);
    return Number(/packets (\d+)/.exec(said)?.[1] ?? Number.NaN);
  };

  const wire = async (): Promise<void> => {
    for (const address of [region, elsewhere]) await ip("addr", "add", `${address}/24`, "dev", `hemhub${number}`);
    await ip("link", "set", `hemhub${number}`, "up");
    await ipAt("router", "addr", "add", `198.18.${number}.2/24`, "dev", "wan");
    await ipAt("router", "link", "set", "wan", "up");
    await ip("route", "add", `198.19.${number}.0/24`, "via", `198.18.${number}.2`);
    for (const place of ["hub", "router"] as const) {
      await ipAt(place, "link", "set", "lo", "up");
      await run(
        place,
        "sh",
        "-c",
        "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv4/ip_forward",
      );
    }
    for (const [index, name] of (["eth0", "wlan0"] as const).entries()) {
      await ipAt("router", "link", "add", `lan${index}`, "type", "veth", "peer", "name", name, "netns", hub);
      await ipAt("router", "addr", "add", `${home(GATEWAY[name])}/25`, "dev", `lan${index}`);
      await ipAt("router", "link", "set", `lan${index}`, "up");
      await ipAt("hub", "addr", "add", `${home(HOST[name])}/25`, "dev", name);
    }
    await ipAt("hub", "link", "set", "eth0", "up");
    await ipAt("hub", "route", "add", "default", "via", home(GATEWAY.eth0));
    await run("hub", pathOf("nft") ?? "nft", ATTEMPTS);
    await firewall();
  };

  const dispose = async (): Promise<void> => {
    // The interface on this machine goes first: it is the other end of the router's, and takes its route along.
    await ip("link", "del", `hemhub${number}`).catch(() => undefined);
    for (const name of [hub, router]) await ip("netns", "del", name).catch(() => undefined);
    await rm(resolverFolder, { recursive: true, force: true });
  };

  try {
    await wire();
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
  return {
    region,
    elsewhere,
    at,
    run,
    firewall,
    counted: (counter) => packets("router", `inet fault ${counter}`),
    attempts: () => packets("hub", "inet watch attempts"),
    rate: async (bits) => {
      for (const device of ["lan0", "lan1", "wan"]) {
        const tc = (...args: readonly string[]) => run("router", pathOf("tc") ?? "tc", "qdisc", ...args);
        if (bits === null) await tc("del", "dev", device, "root").catch(() => undefined);
        else {
          const shape = ["rate", `${bits}bit`, "burst", String(BURST_BYTES), "limit", String(QUEUE_BYTES)];
          await tc("replace", "dev", device, "root", "tbf", ...shape);
        }
      }
    },
    cable: async (state) => {
      await ipAt("router", "link", "set", "lan0", state === "in" ? "up" : "down");
    },
    lease: async (host) => {
      await ipAt("hub", "addr", "flush", "dev", "eth0");
      await ipAt("hub", "addr", "add", `${home(host)}/25`, "dev", "eth0");
      await ipAt("hub", "route", "replace", "default", "via", home(GATEWAY.eth0));
    },
    goOver: async (to) => {
      const from = to === "eth0" ? "wlan0" : "eth0";
      await ipAt("hub", "link", "set", from, "down");
      await ipAt("hub", "link", "set", to, "up");
      await ipAt("hub", "route", "replace", "default", "via", home(GATEWAY[to]));
    },
    nameServers: async (resolvConf) => {
      await mkdir(resolverFolder, { recursive: true });
      await writeFile(`${resolverFolder}/resolv.conf`, resolvConf);
    },
    [Symbol.asyncDispose]: dispose,
  };
};
