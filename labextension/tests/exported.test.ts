/**
 * What of a conversation becomes cells.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { markdownOf } from '../src/chat/exported';
import { type ITurn, EMPTY, sent } from '../src/chat/state';

const turn = (question: string, data: { [type: string]: unknown } | null): ITurn => {
  const ask = { type: 'ask', request: 'r', conversation: 'c', text: question, attachments: [] } as const;
  return { ...sent(EMPTY, ask).turns.get('c')![0], bundle: data && { data, metadata: {} } };
};

test('a question is a quotation, its answer the Markdown that the kernel made', () => {
  const data = { 'text/plain': 'no', 'text/markdown': ['**Paris**', ' [1]'] };
  assert.deepEqual(markdownOf([turn('Where?', data)]), ['> Where?', '**Paris** [1]']);
});

test('an answer without Markdown, as one that failed or still grows, makes no cell', () => {
  const image = '![](http://example.org/x)';
  assert.deepEqual(markdownOf([turn('a', { 'text/plain': image }), turn('b', null)]), []);
  assert.deepEqual(markdownOf([turn('c', { 'text/plain': image, 'text/markdown': 1 })]), []);
});

test('nothing in a question is read as Markdown, whatever ends its lines', () => {
  const [question] = markdownOf([turn('![](x)\r<b>\r\n# y', { 'text/markdown': 'z' })]);
  assert.equal(question, '> \\!\\[\\]\\(x\\)\n> \\<b\\>\n> \\# y');
});
