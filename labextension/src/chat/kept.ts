/**
 * The conversations in a notebook's metadata: `{"jupyter_localllm": {"chat": {NAME: document}}}`. Nothing here knows the
 * page.
 */
import { type Values, anObject } from './checks';

/** The documents by their names; a map, because an object has `constructor` and `toString` without being given them. */
export function keptIn(metadata: unknown): ReadonlyMap<string, Values> {
  const chat = anObject(metadata) && anObject(metadata.chat) ? metadata.chat : {};
  return new Map(Object.entries(chat).filter((entry): entry is [string, Values] => anObject(entry[1])));
}

/** The metadata with another document under a name, or without that name; null when nothing is left to be kept. */
export function withKept(metadata: unknown, name: string, document: Values | null): Values | null {
  const { chat, ...others } = anObject(metadata) ? metadata : ({} as Values);
  const { [name]: _, ...rest } = anObject(chat) ? chat : ({} as Values);
  const kept = document ? { ...rest, [name]: document } : rest;
  const values = Object.keys(kept).length > 0 ? { ...others, chat: kept } : others;
  return Object.keys(values).length > 0 ? values : null;
}
