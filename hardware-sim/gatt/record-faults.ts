/** Misbehaviour of a sensor that a central asks for its records. Probabilities are drawn from the air's seed. */
export interface RecordFaults {
  /** Ends the link after this many records of a report; null never. */
  readonly dropAfterRecords: number | null;
  /** Probability that a record goes out twice in a row. */
  readonly duplicateRecord: number;
  /** Reports records in an order of chance. */
  readonly outOfOrder: boolean;
  /** Refuses this many writes of the control point as if a procedure were in progress (0x80 for glucose). */
  readonly refuseAccess: number;
  /** Sends the answer of a report before its last record. */
  readonly answersEarly: boolean;
  /** Reports the records and then keeps the answer to itself. */
  readonly withholdsAnswer: boolean;
  /** Takes a request and does nothing at all. */
  readonly ignoresRequests: boolean;
}

export const NO_RECORD_FAULTS: RecordFaults = {
  dropAfterRecords: null,
  duplicateRecord: 0,
  outOfOrder: false,
  refuseAccess: 0,
  answersEarly: false,
  withholdsAnswer: false,
  ignoresRequests: false,
};
