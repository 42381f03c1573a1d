import { type CgmRecord, cgmFlags, decodeCgmMeasurement } from "../cgm.ts";
import { decodeCgmSessionStart, sessionStartUtc } from "../cgm-session.ts";
import { localOf } from "../date-time.ts";
import {
  decodeGlucose,
  displayConcentration,
  type GlucoseRecord,
  glucoseSensorFlags,
  userFacingTime,
} from "../glucose.ts";
import { decodeGlucoseContext } from "../glucose-context.ts";
import { decodeRecordAccess, type RecordFilter, recordAccessResponse } from "../record-access.ts";
import { type DecodedView, floatFields, given, leftOver, numberOf, shown, timeField, timeView } from "./view.ts";

const offsetFields = (record: GlucoseRecord): DecodedView => {
  const facing = userFacingTime(record);
  const userFacingLocal = facing === null ? null : localOf(facing);
  switch (record.timeOffset.tag) {
    case "absent":
      return { userFacingLocal };
    case "minutes":
      return { timeOffsetMin: record.timeOffset.minutes, userFacingLocal };
    case "unknown":
      return { timeOffsetMin: null, userFacingLocal };
  }
};

const glucose = shown(decodeGlucose, (record) => {
  const display = displayConcentration(record);
  return {
    sequence: record.sequence,
    ...timeField("baseTime", record.baseTime),
    ...offsetFields(record),
    ...floatFields({ concentration: record.concentration }),
    ...(display === null
      ? {}
      : {
          unit: record.unit,
          [display.unit === "mg/dL" ? "mgPerDl" : "mmolPerL"]: numberOf(display.concentration),
          type: record.type,
          sampleLocation: record.sampleLocation,
        }),
    ...given("sensorStatus", record.sensorStatus),
    ...(record.sensorStatus === null ? {} : { sensorFlags: glucoseSensorFlags(record.sensorStatus) }),
    contextFollows: record.contextFollows,
    ...leftOver(record),
  };
});

const glucoseContext = shown(decodeGlucoseContext, (record) => ({
  sequence: record.sequence,
  ...given("extendedFlags", record.extendedFlags),
  ...given("carbohydrateId", record.carbohydrateId),
  ...given("meal", record.meal),
  ...given("tester", record.tester),
  ...given("health", record.health),
  ...given("exerciseDurationS", record.exerciseDurationS),
  ...given("exerciseIntensityPercent", record.exerciseIntensityPercent),
  ...given("medicationId", record.medicationId),
  ...floatFields({
    carbohydrateKg: record.carbohydrateKg,
    [record.medicationUnit === "kg" ? "medicationKg" : "medicationL"]: record.medication,
    hba1cPercent: record.hba1cPercent,
  }),
  ...leftOver(record),
}));

const filterFields = (filter: RecordFilter | null): DecodedView => {
  if (filter === null) return {};
  if (filter.type === "sequence") {
    return {
      filterType: 1,
      filter: filter.type,
      ...given("minimum", filter.minimum),
      ...given("maximum", filter.maximum),
    };
  }
  return {
    filterType: 2,
    filter: filter.type,
    ...timeField("minimum", filter.minimum),
    ...timeField("maximum", filter.maximum),
  };
};

const recordAccess = shown(decodeRecordAccess, (record) => {
  const common = { opcode: record.opcode, operator: record.operator };
  switch (record.tag) {
    case "request":
      return { ...common, ...filterFields(record.filter) };
    case "count":
      return { ...common, numberOfRecords: record.numberOfRecords };
    case "response":
      return {
        ...common,
        requestOpcode: record.requestOpcode,
        responseCode: record.responseCode,
        response: recordAccessResponse(record.responseCode),
      };
  }
});

const cgmView = (record: CgmRecord): DecodedView => ({
  timeOffsetMin: record.timeOffsetMin,
  ...given("statusOctet", record.statusOctet),
  ...given("calTempOctet", record.calTempOctet),
  ...given("warningOctet", record.warningOctet),
  flags: cgmFlags(record),
  ...floatFields({
    glucoseMgDl: record.glucose,
    trendMgDlPerMin: record.trendMgDlPerMin,
    qualityPercent: record.qualityPercent,
  }),
  ...(record.crcChecked ? { crcOk: true } : {}),
  ...leftOver(record),
});

const cgmSession = shown(decodeCgmSessionStart, (session) => ({
  start: timeView(session.start),
  timeZoneMin: session.timeZoneMin,
  dstMin: session.dstMin,
  startUtc: sessionStartUtc(session),
  ...(session.crcChecked ? { crcOk: true } : {}),
}));

export const glucoseViews = {
  "ble.2a18": glucose,
  "ble.2a34": glucoseContext,
  "ble.2a52": recordAccess,
  "ble.2aa7": shown(decodeCgmMeasurement, (records) => ({ records: records.map(cgmView) })),
  "ble.2aaa": cgmSession,
} as const;
