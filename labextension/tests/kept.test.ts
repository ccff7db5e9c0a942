/**
 * Conversations in a notebook's metadata.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keptIn, withKept } from '../src/chat/kept';

test('what is kept is what stands in the metadata, and nothing that each object has', () => {
  const kept = keptIn({ chat: { a: { turns: [] }, wrong: 1, none: null } });
  assert.deepEqual([...kept.keys()], ['a']);
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.equal(kept.has(name), false);
  }
  for (const metadata of [undefined, null, 1, [], {}, { chat: [] }, { chat: 'x' }]) {
    assert.equal(keptIn(metadata).size, 0);
  }
});

test('names that are parts of JavaScript can be kept and given up', () => {
  for (const name of ['constructor', '__proto__', 'a']) {
    const kept = withKept(undefined, name, { turns: [] });
    assert.deepEqual([...keptIn(JSON.parse(JSON.stringify(kept))).keys()], [name]);
    assert.equal(withKept(kept, name, null), null);
  }
});

test('the rest of the metadata stays, and what was there is not changed', () => {
  const before = { panel: 1, chat: { a: { turns: [] } } };
  assert.deepEqual(withKept(before, 'a', null), { panel: 1 });
  assert.deepEqual(withKept(before, 'b', {}), { panel: 1, chat: { a: { turns: [] }, b: {} } });
  assert.deepEqual(before, { panel: 1, chat: { a: { turns: [] } } });
  assert.equal(withKept(undefined, 'a', null), null);
});
