declare const brand: unique symbol;

/** A primitive that the type checker tells apart from others of the same shape. Erased at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
