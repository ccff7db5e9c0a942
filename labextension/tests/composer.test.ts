/**
 * What the composer completes, what is sent of a cell, the differences of a fix, and when ghost text is asked for.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { namesIn, plainTraceback, wellFormed } from '../src/chat/code';
import { insert, narrowed, parseCommand, step, tokenAt } from '../src/chat/completion';
import { diffLines } from '../src/chat/diff';
import { around, mayAsk } from '../src/chat/ghost';
import type { IQueued } from '../src/chat/protocol';
import { VERSION } from '../src/version';

const at = (text: string) => tokenAt(text.replace('|', ''), text.indexOf('|'));

test('a name is completed behind an @ that begins a word', () => {
  assert.deepEqual(at('@|'), { sign: '@', prefix: '', start: 0 });
  assert.deepEqual(at('mean of @df.pr| please'), { sign: '@', prefix: 'df.pr', start: 8 });
  assert.deepEqual(at('(@größe|'), { sign: '@', prefix: 'größe', start: 1 });
  for (const none of ['me@example|', '@df |', 'plain|', '@|df'.replace('|', '') + ' x|', '@1|']) {
    assert.equal(at(none), null, none);
  }
});

test('a command is completed at the beginning only', () => {
  assert.deepEqual(at('/|'), { sign: '/', prefix: '', start: 0 });
  assert.deepEqual(at('/ex|'), { sign: '/', prefix: 'ex', start: 0 });
  assert.equal(at('a /ex|'), null);
  assert.equal(at('/explain this|'), null);
});

test('what is taken stands in the place of what was typed', () => {
  const token = tokenAt('mean of @d of', 10)!;
  assert.deepEqual(insert('mean of @d of', token, 10, 'df'), { text: 'mean of df of', caret: 10 });
  assert.deepEqual(insert('@d', tokenAt('@d', 2)!, 2, 'df'), { text: 'df ', caret: 3 });
});

test('a letter that is typed leaves only the names that fit it, in the order of the kernel', () => {
  const found = ['ax', 'b', 'X2', 'x'].map(name => ({ name }));
  const names = (from: string, to: string, limit = 50) => narrowed(found, limit, from, to)?.map(({ name }) => name);
  assert.deepEqual(names('', 'x'), ['X2', 'x', 'ax']);
  assert.deepEqual(names('', ''), ['ax', 'b', 'X2', 'x']);
  assert.deepEqual(names('', 'xyz'), []);
  assert.equal(names('', 'x', 4), undefined, 'more may fit than was sent');
  assert.equal(names('x', ''), undefined, 'a letter was taken back');
  assert.equal(names('', '_'), undefined, 'hidden names were not sent');
});

test('commands are known words, and all else is a question', () => {
  assert.deepEqual(parseCommand(' /model smol '), { name: 'model', rest: 'smol' });
  assert.deepEqual(parseCommand('/fix'), { name: 'fix', rest: '' });
  for (const text of ['/tmp is full', '//fix', 'fix', '/fixes', '/', '']) {
    assert.equal(parseCommand(text), null, text);
  }
});

test('a list goes round', () => {
  assert.deepEqual([step(0, -1, 3), step(2, 1, 3), step(0, 1, 0)], [2, 0, -1]);
});

test('names of a cell: not those in strings, comments, attributes and numbers', () => {
  const source = 'df["price"].mean()  # of rows\nx = f(df, größe) + 1e5\n"""doc\nstring"""\n';
  assert.deepEqual(namesIn(source), ['df', 'x', 'f', 'größe']);
  assert.equal(namesIn('a b c', 2).length, 2);
});

test('words of Python take no place among the names; those that may be names as well do', () => {
  assert.deepEqual(namesIn('for x in None if not lambda else y:\n  return True and await match', 3), [
    'x',
    'y',
    'match'
  ]);
});

test('what is no name in Python is not sent as one: the kernel would refuse the whole question', () => {
  assert.deepEqual(namesIn('for n in cities: total += n if n is not None else 0'), ['n', 'cities', 'total']);
  assert.deepEqual(namesIn('x² = 2x + ℘'), ['x', '℘']);
  assert.deepEqual(namesIn(`${'a'.repeat(201)} b`), ['b']);
});

test('a traceback is plain text, and its end is what is kept', () => {
  assert.equal(plainTraceback(['\u001b[0;31mKeyError\u001b[0m: "x"']), 'KeyError: "x"');
  assert.equal(plainTraceback(['\u001b]8;;file:///a\u001b\\link\u001b]8;;\u001b\\']), 'link');
  const long = plainTraceback(['a'.repeat(9000), 'KeyError']);
  assert.ok(long.length < 8100 && long.endsWith('KeyError'));
});

test('halves of surrogate pairs do not reach the kernel, whole ones do', () => {
  assert.equal(wellFormed('a\ud83db\udc00c😀'), 'a\ufffdb\ufffdc😀');
});

const apply = (lines: ReturnType<typeof diffLines>, skip: string) =>
  lines
    .filter(({ kind }) => kind !== skip)
    .map(({ text }) => text)
    .join('\n');
const changes = (before: string, after: string) =>
  diffLines(before, after).filter(({ kind }) => kind !== 'same').length;

test('a difference holds both texts, and no more changes than needed', () => {
  const random = (seed: number) => () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let seed = 1; seed <= 400; seed += 1) {
    const next = random(seed);
    const text = () => Array.from({ length: Math.floor(next() * 12) }, () => 'abcd'[Math.floor(next() * 4)]);
    const [a, b] = [text(), text()];
    const lines = diffLines(a.join('\n'), b.join('\n'));
    assert.equal(apply(lines, 'added'), a.join('\n'));
    assert.equal(apply(lines, 'removed'), b.join('\n'));
    const [x, y] = [a.length ? a : [''], b.length ? b : ['']];
    assert.equal(changes(a.join('\n'), b.join('\n')), x.length + y.length - 2 * longestCommon(x, y));
  }
});

test('long texts that share nothing are told whole', () => {
  const many = (word: string) => Array.from({ length: 3000 }, (_, n) => `${word}${n}`).join('\n');
  assert.equal(changes(many('a'), many('b')), 6000);
  assert.equal(changes(many('a'), many('a') + '\nx'), 1);
});

/** The textbook's dynamic programming: the length of the longest common subsequence. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => Array<number>(b.length + 1).fill(0));
  a.forEach((line, i) =>
    b.forEach((other, j) => {
      table[i + 1][j + 1] = line === other ? table[i][j] + 1 : Math.max(table[i][j + 1], table[i + 1][j]);
    })
  );
  return table[a.length][b.length];
}

const queued = (kind: IQueued['kind']): IQueued => ({
  request: 'r',
  conversation: null,
  kind,
  state: 'queued',
  waits_for: null,
  text: ''
});

test('ghost text never comes ahead of what a person asked for', () => {
  assert.equal(mayAsk([]), true);
  assert.equal(mayAsk([queued('complete')]), true);
  for (const kind of ['ask', 'cell', 'use'] as const) {
    assert.equal(mayAsk([queued('complete'), queued(kind)]), false);
  }
});

test('ghost text knows both sides of the caret and the cells above', () => {
  const { before, after } = around('x = \ny', 4, ['import os', '%%llm\nHello', ' ']);
  assert.deepEqual([before, after], ['import os\n\nx = ', '\ny']);
  const long = around('a'.repeat(9000) + '|', 9000, []);
  assert.deepEqual([long.before.length, long.after], [4000, '|']);
});

test('the version is that of the package', () => {
  assert.equal(VERSION, JSON.parse(readFileSync('package.json', 'utf8')).version);
});
