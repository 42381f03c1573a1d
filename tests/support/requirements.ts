import { existsSync } from "node:fs";

/** Whether something that a test needs, and that npm does not bring, is on this machine. */
export interface Requirement {
  readonly available: boolean;
  /** Why not, and how to get it; null where it is there. */
  readonly reason: string | null;
}

/** Name of each such thing, where it may be, and how to get it. */
const REQUIREMENTS = {
  mosquitto: {
    paths: ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"],
    get: "install the Debian package mosquitto",
  },
  btvirt: {
    paths: ["/usr/bin/btvirt"],
    get: "install the Debian package bluez-test-tools",
  },
  "dbus-daemon": {
    paths: ["/usr/bin/dbus-daemon"],
    get: "install the Debian package dbus",
  },
  chronyd: {
    paths: ["/usr/sbin/chronyd"],
    get: "install the Debian package chrony",
  },
  faketime: {
    paths: [
      "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
      "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ],
    get: "install the Debian package faketime",
  },
  cc: {
    paths: ["/usr/bin/cc", "/usr/local/bin/cc"],
    get: "install the Debian package gcc",
  },
  ip: {
    paths: ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"],
    get: "install the Debian package iproute2",
  },
  tc: {
    paths: ["/usr/sbin/tc", "/sbin/tc"],
    get: "install the Debian package iproute2",
  },
  ss: {
    paths: ["/usr/bin/ss", "/bin/ss"],
    get: "install the Debian package iproute2",
  },
  nft: {
    paths: ["/usr/sbin/nft", "/sbin/nft"],
    get: "install the Debian package nftables",
  },
  dash: {
    paths: ["/usr/bin/dash", "/bin/dash"],
    get: "install the Debian package dash",
  },
  busybox: {
    paths: ["/usr/bin/busybox", "/bin/busybox"],
    get: "install the Debian package busybox",
  },
  perl: {
    paths: ["/usr/bin/perl"],
    get: "install the Debian package perl",
  },
  "systemd-notify": {
    paths: ["/usr/bin/systemd-notify"],
    get: "install the Debian package systemd",
  },
  systemd: {
    paths: ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"],
    get: "install the Debian package systemd",
  },
  "systemd-analyze": {
    paths: ["/usr/bin/systemd-analyze"],
    get: "install the Debian package systemd",
  },
  mksquashfs: {
    paths: ["/usr/bin/mksquashfs"],
    get: "install the Debian package squashfs-tools",
  },
  softhsm: {
    paths: ["/usr/lib/softhsm/libsofthsm2.so"],
    get: "install the Debian package softhsm2",
  },
  "pkcs11-tool": {
    paths: ["/usr/bin/pkcs11-tool"],
    get: "install the Debian package opensc",
  },
  rauc: {
    paths: ["/usr/bin/rauc"],
    get: "install the Debian package rauc",
  },
  openssl: {
    paths: ["/usr/bin/openssl"],
    get: "install the Debian package openssl",
  },
} as const;

export type RequirementName = keyof typeof REQUIREMENTS;

/** First path of the thing that exists; null where there is none. */
export const pathOf = (name: RequirementName): string | null =>
  REQUIREMENTS[name].paths.find((path) => existsSync(path)) ?? null;

export const requirement = (name: RequirementName): Requirement => {
  const { paths, get } = REQUIREMENTS[name];
  return pathOf(name) === null
    ? { available: false, reason: `${name} is not at ${paths.join(" or ")}: ${get}` }
    : { available: true, reason: null };
};

/** The title of tests that need it; where they are skipped, the reason stands in their name. */
export const titled = (title: string, { reason }: Requirement): string =>
  reason === null ? title : `${title} [skipped: ${reason}]`;
