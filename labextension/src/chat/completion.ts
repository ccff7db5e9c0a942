/**
 * What the composer completes: `@` names a variable or a cell, `/` a command. Nothing here knows the page.
 */

export interface IToken {
  readonly sign: '@' | '/';
  /** What stands behind the sign, up to the caret. */
  readonly prefix: string;
  /** Where the sign stands. */
  readonly start: number;
}

const NAME = /(?:^|[\s([{,;:"'`])@([\p{L}_][\p{L}\p{N}_.]*|)$/u;
const COMMAND = /^\/([a-z-]*)$/;

/** What is being completed at the caret, or null; an address as `me@example.org` is no name. */
export function tokenAt(text: string, caret: number): IToken | null {
  const before = text.slice(0, caret);
  const command = COMMAND.exec(before);
  if (command) {
    return { sign: '/', prefix: command[1], start: 0 };
  }
  const name = NAME.exec(before);
  return name ? { sign: '@', prefix: name[1], start: caret - name[1].length - 1 } : null;
}

/** The text with the token replaced, and where the caret stands then. */
export function insert(text: string, token: IToken, caret: number, words: string) {
  const tail = text.slice(caret);
  const space = /^\s/.test(tail) ? '' : ' ';
  const before = text.slice(0, token.start) + words + space;
  return { text: before + tail, caret: before.length };
}

/**
 * Which of the names found for a shorter prefix fit the longer one that was typed since, in the kernel's order; null
 * where only the kernel knows: the names were cut off at `limit`, or those that begin with `_` were left out.
 */
export function narrowed<T extends { readonly name: string }>(
  found: readonly T[],
  limit: number,
  from: string,
  to: string
): readonly T[] | null {
  if (from === to) {
    return found;
  }
  if (found.length >= limit || !to.startsWith(from) || to.startsWith('_') !== from.startsWith('_')) {
    return null;
  }
  const wanted = to.toLowerCase();
  const places = found.map(({ name }) => name.toLowerCase().indexOf(wanted));
  return [...found.filter((_, i) => places[i] === 0), ...found.filter((_, i) => places[i] > 0)];
}

export const COMMANDS = ['explain', 'fix', 'clear', 'model', 'new', 'export', 'stop'] as const;

export type CommandName = (typeof COMMANDS)[number];

export interface ICommand {
  readonly name: CommandName;
  /** What stands behind the command's name. */
  readonly rest: string;
}

/** The command that a text is, or null; `//` at its beginning and unknown words are text like any other. */
export function parseCommand(text: string): ICommand | null {
  const match = /^\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  const name = COMMANDS.find(command => command === match?.[1]);
  return name ? { name, rest: (match?.[2] ?? '').trim() } : null;
}

/** A place in a list that goes round. */
export function step(index: number, by: number, length: number): number {
  return length === 0 ? -1 : (index + by + length) % length;
}
