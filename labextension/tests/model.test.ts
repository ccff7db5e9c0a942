/**
 * What an output says, with nothing of a page: the samples that the kernel's tests make, and what nobody should send.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { parseAnswer } from '../src/model';

interface ISample {
  name: string;
  data: { [name: string]: unknown };
  metadata: unknown;
  expected: unknown;
}

const samples: ISample[] = JSON.parse(readFileSync(join('tests', 'samples.json'), 'utf8'));

/** Without the keys whose value is undefined: JSON has none. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

for (const { name, data, metadata, expected } of samples) {
  test(`reads what the kernel publishes: ${name}`, () => {
    assert.deepEqual(plain(parseAnswer(data, metadata)), expected);
  });
}

const finished = samples.find(sample => sample.name === 'finished')!;

test('an answer without metadata has no figures', () => {
  for (const metadata of [undefined, null, {}, [], 'x', { jupyter_localllm: null }, { jupyter_localllm: {} }]) {
    assert.equal(parseAnswer(finished.data, metadata)?.figures, null);
  }
});

test('a version that is not known is not guessed at', () => {
  for (const version of [2, 0, -1, 1.5, '1', null, undefined, true, [1], NaN]) {
    assert.equal(parseAnswer({ ...finished.data, version }, finished.metadata), null);
  }
});

test('keys that are not known are ignored', () => {
  const more = { ...finished.data, later: { kind: 'of thing' } };
  assert.deepEqual(parseAnswer(more, finished.metadata), parseAnswer(finished.data, finished.metadata));
});

test('what is no answer at all is none', () => {
  for (const data of [undefined, null, 1, 'text', [], {}, [finished.data], { ...finished.data, text: ['a', 'b'] }]) {
    assert.equal(parseAnswer(data, finished.metadata), null);
  }
});

test('values of the wrong type are left out, one by one', () => {
  const wrong = [null, 'x', {}, [], true, NaN, Infinity, -1, 0, '5'];
  for (const value of wrong) {
    const volatile = {
      cached: value === true ? 'true' : value,
      timings: { tokens_per_second: value, ttft_ms: 84, latency_ms: value },
      usage: value,
      notes: [value, { text: value === 'x' || value === '5' ? 1 : value }, { text: 'kept' }]
    };
    const data = {
      ...finished.data,
      model: value === 'x' || value === '5' ? 1 : value,
      usage: { prompt_tokens: value }
    };
    const answer = parseAnswer(data, { jupyter_localllm: { volatile } });
    assert.deepEqual(plain(answer), {
      text: 'It is *Paris*.',
      model: '',
      state: 'complete',
      figures: { cached: false, ttftMs: 84, notes: ['kept'] }
    });
  }
});
