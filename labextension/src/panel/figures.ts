/**
 * Sizes and counts, as people read them.
 */

/** Bytes in decimal units, as drives and downloads count them. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** A count, as it is written here. */
export function count(number: number): string {
  return number.toLocaleString();
}

/** Tokens, shortened: 950, 1.2k, 34k. */
export function tokens(count: number): string {
  return count < 1000 ? `${Math.round(count)}` : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;
}
