/**
 * Each side reads what the other writes: the samples that the kernel's tests read as well.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_BYTES, PROTOCOL, type PanelMessage, fits, parseKernelMessage } from '../src/chat/protocol';
import { asCompletion, asExport, asModels, asOpened, asVariables } from '../src/chat/replies';
import { fromKernel, samples } from './expand';

test('both halves speak of the same version and limit', () => {
  assert.equal(PROTOCOL, samples.protocol);
  assert.equal(MAX_BYTES, samples.limit_bytes);
});

for (const { about, message } of samples.from_kernel) {
  test(`reads: ${about}`, () => assert.deepEqual(parseKernelMessage(message), message));
}

for (const { about, message } of samples.dropped) {
  test(`drops: ${about}`, () => assert.equal(parseKernelMessage(message), null));
}

test('fields that are not known are no reason to refuse', () => {
  for (const { message } of samples.from_kernel) {
    assert.notEqual(parseKernelMessage({ ...(message as object), later: { x: [1] } }), null);
  }
});

test('a field that is missing, or null where nothing may be null, is one', () => {
  const free = new Set(['type', 'conversation', 'request', 'fix', 'value']);
  for (const { message } of samples.from_kernel) {
    for (const name of Object.keys(message as object).filter(key => !free.has(key))) {
      const { [name]: _, ...without } = message as { [name: string]: unknown };
      const known = parseKernelMessage({ ...(message as object), [name]: undefined });
      assert.equal(known, null, `${name} of ${JSON.stringify(message).slice(0, 80)}`);
      assert.equal(parseKernelMessage(without), null);
    }
  }
});

test('what is sent is measured in bytes', () => {
  const ask = (text: string) => ({ type: 'rename', request: 'r', conversation: 'c', to: text }) as PanelMessage;
  const rest = JSON.stringify(ask('')).length;
  assert.equal(fits(ask('x'.repeat(MAX_BYTES - rest))), true);
  assert.equal(fits(ask('x'.repeat(MAX_BYTES - rest + 1))), false);
  assert.equal(fits(ask('ü'.repeat((MAX_BYTES - rest) / 2 + 1))), false);
});

test('values of replies are looked at, too', () => {
  const value = (about: string) => fromKernel(about).value;
  assert.equal(asVariables(value('reply to variables'))[0].name, 'df');
  assert.equal(asModels(value('reply to models'))[1].path, null);
  assert.equal(asOpened(value('reply to open')).turns[0].question, 'What is the capital of France?');
  assert.equal(typeof asExport(value('reply to export')).text, 'string');
  for (const read of [asVariables, asModels, asOpened, asExport, asCompletion]) {
    for (const wrong of [undefined, null, 1, 'x', { text: 1 }, [{}], [null]]) {
      assert.throws(() => read(wrong));
    }
  }
});
