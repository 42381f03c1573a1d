/** The parts of a PKCS #11 URI (RFC 7512) that name a key and the module that reaches it. */
export interface TokenKey {
  readonly module: string;
  readonly token: string;
  /** In hexadecimal, as pkcs11-tool takes it. */
  readonly id: string;
}

const USE = "use pkcs11:token=NAME;id=%01?module-path=FILE.so";

/** Octets, each as it is or as `%` and two digits (RFC 7512 section 2.3): an id is any octets and need not be a text. */
const octetsOf = (value: string): Buffer => {
  const parts = value.split(/%([0-9A-Fa-f]{2})/);
  // Every other one is what the brackets caught.
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 1 ? "hex" : "utf8")));
};

/** Throws an Error that names the form where a part is missing or is not written in it. */
export const parseTokenUri = (uri: string): TokenKey => {
  const wrong = new Error(`release sign: ${uri}: ${USE}`);
  const [location = "", query = ""] = uri.replace(/^pkcs11:/, "").split("?", 2);
  if (/%(?![0-9A-Fa-f]{2})/.test(uri)) throw wrong;
  const parts = new Map(
    [...location.split(";"), ...query.split("&")].map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), octetsOf(part.slice(at + 1))] as const;
    }),
  );
  const [module, token, id] = [parts.get("module-path"), parts.get("token"), parts.get("id")];
  if (module === undefined || token === undefined || id === undefined || id.length === 0) throw wrong;
  return { module: module.toString("utf8"), token: token.toString("utf8"), id: id.toString("hex") };
};
