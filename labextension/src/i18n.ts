/**
 * Translated texts, and the English ones where there is no translator.
 */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

export type Translations = Pick<IRenderMime.TranslationBundle, '__' | '_n'>;

const english: Translations = {
  __: fill,
  _n: (one, many, n, ...values) => fill(n === 1 ? one : many, n, ...values)
};

/** Puts values in the place of %1, %2 …, as JupyterLab's translator does. */
function fill(text: string, ...values: unknown[]): string {
  return text.replace(/%(\d)/g, (placeholder, n) => String(values[Number(n) - 1] ?? placeholder));
}

export function translations(translator?: IRenderMime.ITranslator): Translations {
  return translator?.load('jupyter_localllm') ?? english;
}
