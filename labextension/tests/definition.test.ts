/**
 * Which cell gave a variable its value: what people write in notebooks, and what only looks like it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { definingCell } from '../src/definition';

const find = (variable: string, ...sources: string[]) =>
  definingCell(
    sources.map((source, index) => ({ source, executionCount: index + 1 })),
    variable,
    sources.length
  );

const DEFINITIONS = [
  'df = 1',
  'df=1',
  'x = 1\ndf = x',
  'df: pd.DataFrame = load()',
  'a, df = 1, 2',
  'df, b = 1, 2',
  '(a, df) = 1, 2',
  'a = df = 1',
  'df += 1',
  'df //= 2',
  'with open("x") as df:\n    pass',
  'import pandas as df',
  'from x import a, df',
  'for df in frames:\n    pass',
  'for i, df in enumerate(frames):\n    pass',
  'def df(x): ...',
  'async def df(): ...',
  'class df: ...',
  'if (df := load()):\n    pass',
  'if True:\n    df = 1',
  '%%llm df << --max-tokens 5\nHello',
  '%%capture df\nprint(1)',
  'df = %llm Hello'
];

for (const source of DEFINITIONS) {
  test(`is a definition: ${source.split('\n').join(' / ')}`, () => {
    assert.equal(find('df', 'print(1)', source, 'df.head()'), 1);
  });
}

for (const source of [
  'df == 1',
  'x.df = 1',
  'df.x = 1',
  'f(df=1)',
  'dfs = 1',
  'my_df = 1',
  '# df = 1',
  'print(df)',
  ''
]) {
  test(`is none: ${source}`, () => {
    assert.equal(find('df', source), -1);
  });
}

test('the last one above the answer counts, and only then one below', () => {
  const cells = ['df = 1', 'df = 2', 'answer', 'df = 3'].map(source => ({ source }));
  assert.equal(definingCell(cells, 'df', 2), 1);
  assert.equal(definingCell(cells.slice(1), 'df', 0), 2);
  assert.equal(definingCell([{ source: '%%llm df << --cite x\ny' }], 'df', 0), -1);
});

test('an argument of a call is not taken where there is something better', () => {
  assert.equal(find('df', 'df = 1', 'f(\n    df=2,\n)'), 0);
});

test('expressions are found by the name they begin with, cells by their number', () => {
  assert.equal(find('df[df.x > 1]', 'df = 1'), 0);
  assert.equal(find('In[2]', 'a', 'b', 'c'), 1);
  assert.equal(find('Out[3]', 'a', 'b', 'c'), 2);
  assert.equal(find('städte', 'städte = 1'), 0);
});

test('what is no name finds nothing, and no name is taken for a pattern', () => {
  for (const variable of ['', '42', '(((', '.*', '$', '[a-z]+'.repeat(1000)]) {
    assert.equal(find(variable, 'df = 1'), -1);
  }
});
