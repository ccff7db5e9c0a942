/**
 * What is sent of a cell: its names, its traceback as plain text, and texts that JSON can hold. Nothing here knows the page.
 */

const NAME = /(?<![\p{XIDC}.])[\p{XIDS}_]\p{XIDC}*/gu;
const LONGEST_NAME = 200;

/** Words of Python that are no names. */
const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global ' +
    'if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' ')
);
const STRING = /("""|''')[\s\S]*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*/g;

/** Names that a cell speaks of, in order, without what stands in strings and comments; the kernel knows which it has. */
export function namesIn(source: string, most = 40): string[] {
  const bare = source.slice(0, 100_000).replace(STRING, '""');
  const names = new Set(bare.match(NAME) ?? []);
  return [...names].filter(name => !KEYWORDS.has(name) && name.length <= LONGEST_NAME).slice(0, most);
}

// Colours of a terminal, and links.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;

/** A traceback as plain text; its end is kept, because there the error stands. */
export function plainTraceback(lines: readonly string[], most = 8000): string {
  const text = lines.join('\n').replace(ESCAPES, '');
  return text.length > most ? `…\n${text.slice(-most)}` : text;
}

/** A text without halves of surrogate pairs: JSON for the kernel holds none. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
