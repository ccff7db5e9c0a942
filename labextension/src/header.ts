/**
 * The row above an answer: who wrote it, how fast, and a button that copies it.
 */
import { copyText } from './clipboard';
import type { Translations } from './i18n';
import type { IAnswer } from './model';

/** For how long the button says that it copied. */
const COPIED_MS = 2000;

const SPEAK_AFTER_MS = 100;

const COPY_ICON =
  '<svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.3" aria-hidden="true">' +
  '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/>' +
  '<path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/></svg>';

export class AnswerHeader {
  readonly node = element('div', 'jp-LocalLLM-header');

  constructor(private readonly trans: Translations) {
    this.button.type = 'button';
    this.button.title = trans.__('Copy the answer as text');
    this.button.innerHTML = COPY_ICON;
    this.button.append(this.label);
    this.button.addEventListener('click', () => void this.copy());
    this.announcement.setAttribute('role', 'status');
    this.node.append(this.model, this.figures, this.announcement, this.button, this.notes);
    this.showCopied(false);
  }

  /**
   * Show what is known now.
   *
   * @param doing - what the kernel says it is doing, as "loading 40 %" or "12 tokens"; empty once it is done.
   */
  update(answer: IAnswer, doing: string): void {
    const previous = this.answer;
    this.answer = answer;
    this.node.dataset.state = answer.state;
    setText(this.model, answer.model);
    setText(this.figures, answer.state === 'streaming' ? doing : this.describe(answer));
    this.figures.title = this.detail(answer);
    setText(this.notes, (answer.figures?.notes ?? []).join('\n'));
    this.button.disabled = answer.text === '';
    this.announce(previous?.state, answer.state);
  }

  /** A screen reader hears that writing began and that it ended; never the stream, and nothing for a saved answer. */
  private announce(before: IAnswer['state'] | undefined, now: IAnswer['state']): void {
    if (now === 'streaming' && before !== 'streaming') {
      this.say(this.trans.__('Generating'));
    } else if (now !== 'streaming' && before === 'streaming') {
      this.say(now === 'complete' ? this.trans.__('Complete') : this.trans.__('Incomplete'));
    }
  }

  /** Screen readers speak what changes on the page, not what was there when it came. */
  private say(words: string): void {
    window.setTimeout(() => setText(this.announcement, words), SPEAK_AFTER_MS);
  }

  private describe({ completionTokens, figures }: IAnswer): string {
    const parts = [];
    if (completionTokens !== undefined) {
      parts.push(this.trans._n('%1 token', '%1 tokens', completionTokens));
    }
    if (figures?.cached) {
      parts.push(this.trans.__('from the cache'));
    } else if (figures?.tokensPerSecond !== undefined) {
      parts.push(this.trans.__('%1 tokens/s', rounded(figures.tokensPerSecond)));
    }
    return parts.join(' · ');
  }

  /** What only some people want to know, line by line. */
  private detail({ promptTokens, figures }: IAnswer): string {
    const line = <T>(value: T | undefined, say: (value: T) => string) => (value === undefined ? [] : [say(value)]);
    return [
      ...line(promptTokens, n => this.trans.__('tokens in the prompt: %1', n)),
      ...line(figures?.cachedPromptTokens, n => this.trans.__('of these already in memory: %1', n)),
      ...line(seconds(figures?.loadMs), s => this.trans.__('loading the model: %1 s', s)),
      ...line(seconds(figures?.ttftMs), s => this.trans.__('first token after %1 s', s)),
      ...line(seconds(figures?.latencyMs), s => this.trans.__('last token after %1 s', s))
    ].join('\n');
  }

  private async copy(): Promise<void> {
    if (await copyText(this.answer?.text ?? '')) {
      this.showCopied(true);
      this.say(this.trans.__('Copied'));
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.showCopied(false), COPIED_MS);
    }
  }

  private showCopied(copied: boolean): void {
    setText(this.label, copied ? this.trans.__('Copied') : this.trans.__('Copy'));
    this.button.classList.toggle('jp-LocalLLM-mod-copied', copied);
  }

  private answer: IAnswer | null = null;
  private timer = 0;
  private readonly model = element('span', 'jp-LocalLLM-model');
  private readonly figures = element('span', 'jp-LocalLLM-figures');
  private readonly notes = element('div', 'jp-LocalLLM-passing');
  private readonly announcement = element('span', 'jp-LocalLLM-hidden');
  private readonly button = element('button', 'jp-LocalLLM-copy');
  private readonly label = element('span', 'jp-LocalLLM-copyLabel');
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}

function seconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : (ms / 1000).toFixed(2);
}

function rounded(speed: number): string {
  return speed >= 100 ? speed.toFixed(0) : speed.toFixed(1);
}

/** Leaves a node alone that already says it: no repaint, no second announcement. */
function setText(node: HTMLElement, value: string): void {
  if (node.textContent !== value) {
    node.textContent = value;
  }
}
