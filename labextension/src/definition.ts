/**
 * Which cell of a notebook gave a variable its value, as far as its source tells. Nothing here knows the page.
 */

export interface ICode {
  /** The cell's text; empty for cells that hold no code. */
  readonly source: string;
  readonly executionCount?: number | null;
}

const HISTORY = /^\s*(?:In|Out|_ih|_oh)\[(\d+)\]|^\s*_i?(\d+)\s*$/;
const FIRST_NAME = /[\p{L}_][\p{L}\p{N}_]*/u;

/**
 * The cell that last gave a variable its value: the nearest one above the answer, or else the last one of all.
 *
 * @param cells - the notebook's cells, from first to last.
 * @param variable - what was cited: a name, an expression that begins with one, or `In[3]` and `Out[3]`.
 * @param from - the cell of the answer.
 * @returns its index, or -1.
 */
export function definingCell(cells: readonly ICode[], variable: string, from: number): number {
  const [, ...counts] = HISTORY.exec(variable) ?? [];
  const count = counts.find(text => text !== undefined);
  if (count !== undefined) {
    return lastIndex(cells, cell => cell.executionCount === Number(count), from);
  }
  const name = FIRST_NAME.exec(variable)?.[0];
  if (name === undefined) {
    return -1;
  }
  // An indented `name=` may be an argument of a call, so it is believed only if there is nothing better.
  for (const indent of ['', '[ \\t]*']) {
    const definition = definitionOf(name, indent);
    const found = lastIndex(cells, cell => definition.test(cell.source), from);
    if (found >= 0) {
      return found;
    }
  }
  return -1;
}

function lastIndex(cells: readonly ICode[], matches: (cell: ICode) => boolean, from: number): number {
  const found = cells.flatMap((cell, index) => (matches(cell) ? [index] : []));
  return found.filter(index => index < from).pop() ?? found.filter(index => index !== from).pop() ?? -1;
}

function definitionOf(name: string, indent: string): RegExp {
  const word = '[\\p{L}\\p{N}_]';
  const it = `(?<![\\p{L}\\p{N}_.])${name}(?!${word})`;
  const others = `(?:${word}+[ \\t]*,[ \\t]*|[*(\\[][ \\t]*)*`;
  const rest = `[ \\t]*(?:[,)\\]][^=\\n#]*)?(?::[^=\\n]*)?`;
  const patterns = [
    `${others}${it}${rest}(?:[-+*/%&|^@]|//|\\*\\*|>>|<<)?=(?!=)`,
    `[^#\\n=]*=[ \\t]*${it}[ \\t]*=(?!=)`,
    `(?:async[ \\t]+)?(?:def|class)[ \\t]+${it}`,
    `(?:from[ \\t]+\\S+[ \\t]+)?import[ \\t][^\\n#]*${it}`,
    `(?:async[ \\t]+)?for[ \\t]+[^\\n]*?${it}[^\\n]*\\bin\\b`,
    `[^#\\n]*\\bas[ \\t]+\\(?${it}`,
    `[^#\\n]*${it}[ \\t]*:=`,
    `%%?[^\\n]*${it}[ \\t]*<<`,
    `%%capture[ \\t][^\\n]*${it}`
  ];
  return new RegExp(`^${indent}(?:${patterns.join('|')})`, 'mu');
}
