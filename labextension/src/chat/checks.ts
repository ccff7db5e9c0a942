/**
 * Small checks of values that came from elsewhere, to be put together into larger ones.
 */
export type Values = { readonly [name: string]: unknown };

export type Check = (value: unknown) => boolean;

export const aString: Check = value => typeof value === 'string';

export const aBoolean: Check = value => typeof value === 'boolean';

export function anObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function aNumber(least = -Infinity, most = Infinity): Check {
  return value => typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most;
}

export function anInteger(least: number): Check {
  return value => Number.isSafeInteger(value) && (value as number) >= least;
}

export function oneOf(...words: readonly string[]): Check {
  return value => typeof value === 'string' && words.includes(value);
}

export function orNull(check: Check): Check {
  return value => value === null || check(value);
}

export function aList(check: Check): Check {
  return value => Array.isArray(value) && value.every(check);
}

/** An object that has these fields, each as it should be; it may have others. */
export function shape(fields: { readonly [name: string]: Check }): Check {
  return value => anObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
}
