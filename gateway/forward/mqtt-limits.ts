import type { IConnackPacket } from "mqtt";
import { CONTENT_TYPE } from "../../protocol/messages.ts";
import type { OutboundMessage } from "../../protocol/ports/region-link.ts";
import { type Millis, seconds } from "../../protocol/time.ts";

/** What a broker said in its CONNACK about what it takes (MQTT 5.0 section 3.2.2.3). 3.1.1 says nothing. */
export interface BrokerLimits {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number | null;
  readonly keepalive: Millis | null;
  readonly retain: boolean;
  readonly qos1: boolean;
}

/** MQTT 5.0 section 3.2.2.3.3: what holds where the broker says nothing; also the number of packet ids. */
const MOST_IN_FLIGHT = 65_535;

const positive = (value: number | undefined): number | null => (value === undefined || !(value > 0) ? null : value);

export const limitsOf = (connack: IConnackPacket): BrokerLimits => {
  const said = connack.properties;
  const keepalive = positive(said?.serverKeepAlive);
  return {
    receiveMaximum: positive(said?.receiveMaximum) ?? MOST_IN_FLIGHT,
    maximumPacketSize: positive(said?.maximumPacketSize),
    keepalive: keepalive === null ? null : seconds(keepalive),
    retain: said?.retainAvailable !== false,
    qos1: said?.maximumQoS === undefined || said.maximumQoS >= 1,
  };
};

/** Bytes of a variable byte integer (MQTT 5.0 section 1.5.5). */
const lengthBytes = (value: number): number => (value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4);

/** Payload format indicator (id, flag) and content type (id, length, text), and their length before them. */
const PROPERTY_BYTES = 1 + 2 + (1 + 2 + CONTENT_TYPE.length);
const TOPIC_LENGTH_BYTES = 2;
const PACKET_ID_BYTES = 2;

/** Bytes of a QoS 1 PUBLISH as it goes over the wire (MQTT 5.0 section 3.3). */
export const publishPacketSize = (message: OutboundMessage, mqtt5: boolean): number => {
  const rest =
    TOPIC_LENGTH_BYTES +
    Buffer.byteLength(message.topic) +
    PACKET_ID_BYTES +
    (mqtt5 ? PROPERTY_BYTES : 0) +
    message.payload.length;
  return 1 + lengthBytes(rest) + rest;
};
