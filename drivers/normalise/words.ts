/** `sensorMalfunction` as the flag `sensor-malfunction`. */
export const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
