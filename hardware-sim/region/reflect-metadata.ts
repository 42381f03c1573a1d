type MetadataReader = (key: unknown, target: object) => unknown;

/**
 * tsyringe, inside @peculiar/x509, refuses to load without the reflection polyfill `reflect-metadata`. All that it
 * then asks of it is the parameter types of constructors that have no parameters, for which no answer is the right
 * one. Import this before @peculiar/x509; a real polyfill that is already there is left alone.
 */
const reflect = Reflect as { getMetadata?: MetadataReader; getOwnMetadata?: MetadataReader };
reflect.getMetadata ??= () => undefined;
reflect.getOwnMetadata ??= () => undefined;
