/**
 * What an output says, checked: the data of our mime type and the part of the output's metadata that belongs to it.
 *
 * A notebook file may be anybody's, so each value is looked at before it is believed. Nothing here knows the page.
 */

export const MIME_TYPE = 'application/vnd.jupyter-localllm.answer+json';

/** The newest version of the data that this file understands. */
export const VERSION = 1;

/** What changed in this run only; it stands in the output's metadata and never in its data. */
export interface IFigures {
  /** Replayed from the cache. */
  readonly cached: boolean;
  readonly tokensPerSecond?: number;
  readonly ttftMs?: number;
  readonly latencyMs?: number;
  readonly loadMs?: number;
  readonly cachedPromptTokens?: number;
  /** What should be said about this run, as "a damaged cache file was set aside". */
  readonly notes: readonly string[];
}

export interface IAnswer {
  /** The answer's text, as the model wrote it. */
  readonly text: string;
  readonly model: string;
  /** `streaming` while it is being written, then how it ended. */
  readonly state: 'streaming' | 'complete' | 'incomplete';
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** Null while it streams, and in a notebook whose metadata was removed. */
  readonly figures: IFigures | null;
}

type Values = { readonly [name: string]: unknown };

/**
 * Read an output.
 *
 * @returns the answer, or null when the data is not ours, damaged, or of a newer version: then the HTML that stands
 *   beside it is all that can be shown.
 */
export function parseAnswer(data: unknown, metadata: unknown): IAnswer | null {
  if (!isValues(data) || !isKnown(data.version) || typeof data.text !== 'string') {
    return null;
  }
  const usage = values(data.usage);
  return {
    text: data.text,
    model: text(data.model) ?? '',
    state: stateOf(data),
    promptTokens: positive(usage.prompt_tokens),
    completionTokens: positive(usage.completion_tokens),
    figures: figuresOf(metadata)
  };
}

function stateOf(data: Values): IAnswer['state'] {
  const reason = data.finish_reason ?? null;
  if (reason === null) {
    return 'streaming';
  }
  return reason === 'interrupted' ? 'incomplete' : 'complete';
}

function figuresOf(metadata: unknown): IFigures | null {
  const volatile = values(values(metadata).jupyter_localllm).volatile;
  if (!isValues(volatile)) {
    return null;
  }
  const timings = values(volatile.timings);
  const notes = Array.isArray(volatile.notes) ? volatile.notes : [];
  return {
    cached: volatile.cached === true,
    tokensPerSecond: positive(timings.tokens_per_second),
    ttftMs: positive(timings.ttft_ms),
    latencyMs: positive(timings.latency_ms),
    loadMs: positive(timings.load_ms),
    cachedPromptTokens: positive(values(volatile.usage).cached_prompt_tokens),
    notes: notes.map(note => text(values(note).text)).filter(note => note !== undefined)
  };
}

/** Versions count 1, 2, 3 …: each may say what an older reader would show wrongly. */
function isKnown(version: unknown): boolean {
  return typeof version === 'number' && Number.isInteger(version) && version >= 1 && version <= VERSION;
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function values(value: unknown): Values {
  return isValues(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}
