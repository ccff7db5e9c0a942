/**
 * The turns of a conversation as texts of Markdown cells. Nothing here knows the page.
 */
import type { ITurn } from './state';

/**
 * A question and its answer for each turn that has ended. Until then an answer is there as plain text only, in which
 * an image or HTML of the model would become one as soon as a cell is made of it: such a turn is left out.
 */
export function markdownOf(turns: readonly ITurn[]): string[] {
  return turns.flatMap(({ question, bundle }) => {
    const answer = asText(bundle?.data['text/markdown']);
    return answer === null ? [] : [quoted(question), answer];
  });
}

/** A question as a quotation: whatever stands in it, it is read as text of the question. */
function quoted(question: string): string {
  return question
    .split(/\r\n?|\n/)
    .map(line => `> ${line.replace(/([\\`*_{}[\]<>()#+!|~$&])/g, '\\$1')}`)
    .join('\n');
}

/** A text of a bundle, which may stand there as a list of lines. */
function asText(value: unknown): string | null {
  const text = Array.isArray(value) ? value.join('') : value;
  return typeof text === 'string' ? text : null;
}
