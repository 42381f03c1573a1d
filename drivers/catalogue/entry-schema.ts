/** What the file of one device model must look like (JSON Schema draft-07). */
const nullableText = { type: ["string", "null"], minLength: 1 };

const hex4 = { type: "string", pattern: "^[0-9a-f]{4}$" };

const line = {
  type: "object",
  properties: {
    baudRate: { type: "integer", minimum: 300, maximum: 921_600 },
    dataBits: { enum: [7, 8] },
    parity: { enum: ["none", "even", "odd"] },
    stopBits: { enum: [1, 2] },
  },
  required: ["baudRate", "dataBits", "parity", "stopBits"],
  additionalProperties: false,
};

const certification = {
  type: "object",
  properties: {
    scheme: nullableText,
    class: nullableText,
    firmware: {
      type: ["object", "null"],
      properties: { from: nullableText, to: nullableText },
      required: ["from", "to"],
      additionalProperties: false,
    },
  },
  required: ["scheme", "class", "firmware"],
  additionalProperties: false,
};

const ble = {
  type: "object",
  properties: {
    services: {
      type: "array",
      minItems: 1,
      maxItems: 8,
      items: { type: "string", pattern: "^([0-9a-f]{4}|[0-9a-f]{32})$" },
    },
    model: nullableText,
  },
  required: ["services", "model"],
  additionalProperties: false,
};

const usb = {
  type: ["object", "null"],
  properties: { vendor: hex4, product: hex4 },
  required: ["vendor", "product"],
  additionalProperties: false,
};

const common = {
  id: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,63}$" },
  version: { type: "string", pattern: "^[A-Za-z0-9._-]{1,32}$" },
  manufacturer: { type: "string", minLength: 1 },
  model: { type: "string", minLength: 1 },
  udiDi: nullableText,
  driver: { type: "string", pattern: "^[a-z0-9-]+$" },
  pairing: { enum: ["none", "just-works", "passkey", "numeric-comparison"] },
  quirks: { type: "array", uniqueItems: true, items: { type: "string", pattern: "^[a-z0-9-]+$" } },
  certification,
  quantities: { type: "array", minItems: 1, uniqueItems: true, items: { type: "string", minLength: 1 } },
  sources: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
};

const COMMON_KEYS = Object.keys(common);

const kind = (transport: "ble" | "serial", recognise: object, more: Record<string, object>): object => ({
  type: "object",
  properties: { ...common, ...more, transport: { const: transport }, recognise },
  required: [...COMMON_KEYS, ...Object.keys(more), "transport", "recognise"],
  additionalProperties: false,
});

const one = (key: string, schema: object): object => ({
  type: "object",
  properties: { [key]: schema },
  required: [key],
  additionalProperties: false,
});

export const ENTRY_SCHEMAS = {
  ble: kind("ble", one("ble", ble), {}),
  serial: kind("serial", one("usb", usb), { line }),
} as const;
