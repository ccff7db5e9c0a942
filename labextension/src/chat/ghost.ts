/**
 * What ghost text asks with, and when it asks. Nothing here knows the page.
 */
import { wellFormed } from './code';
import type { IQueued } from './protocol';

/** So much of what stands before and after the caret is sent, in characters. */
const BEFORE = 4000;
const AFTER = 1000;

/** Never ahead of what a person asked for: as long as anything of theirs is in the queue, nothing is asked. */
export function mayAsk(queue: readonly IQueued[]): boolean {
  return queue.every(entry => entry.kind === 'complete');
}

/** The text on both sides of the caret; the cells above belong to what stands before it. */
export function around(text: string, offset: number, earlier: readonly string[]) {
  const above = earlier.filter(source => source.trim() !== '' && !source.startsWith('%%')).join('\n\n');
  const before = (above ? `${above}\n\n` : '') + text.slice(0, offset);
  return { before: wellFormed(before.slice(-BEFORE)), after: wellFormed(text.slice(offset, offset + AFTER)) };
}
