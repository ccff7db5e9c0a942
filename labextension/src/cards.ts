/**
 * The card of a mark: what the cited source says there, with the cited cells of a table.
 *
 * It is made from the entry in the list of sources that stands under the answer and has passed the sanitizer; nothing is
 * read from anywhere else. It hangs on the page and not in the output, whose area would cut it off. It can be hovered,
 * stays while it is, and goes with Escape (WCAG 2.2, 1.4.13).
 */
import type { Translations } from './i18n';
import type { IDefinition } from './reveal';

const MARK = '.jp-LocalLLM-cite';
const NAME = '.jp-LocalLLM-name';
const ENTRY = '.jp-LocalLLM-entry';
const OF = /^jp-LocalLLM-of-\d+$/;

const HIDE_AFTER_MS = 150;
const GAP = 6;

let cards = 0;

/** What can be focused in an answer; JupyterLab's shortcuts do not see the keys that are pressed there. */
export function prepareMarks(content: ParentNode, trans: Translations): void {
  for (const mark of content.querySelectorAll<HTMLElement>(MARK)) {
    makeFocusable(mark);
  }
  for (const name of content.querySelectorAll<HTMLElement>(`${ENTRY} ${NAME}`)) {
    makeFocusable(name);
    name.setAttribute('role', 'link');
    name.title = trans.__('Show the cell that defines it');
  }
}

function makeFocusable(node: HTMLElement): void {
  node.tabIndex = 0;
  node.dataset.lmSuppressShortcuts = 'true';
}

export class Cards {
  /**
   * @param body - the element that answers are shown in, for as long as it lives.
   * @param find - where a variable comes from.
   */
  constructor(
    private readonly body: HTMLElement,
    private readonly trans: Translations,
    private readonly find: (variable: string) => IDefinition | null
  ) {
    this.node.className = 'jp-LocalLLM-card';
    this.node.id = `jp-LocalLLM-card-${++cards}`;
    this.node.setAttribute('role', 'tooltip');
    for (const type of ['pointerover', 'pointerout', 'focusin', 'focusout', 'click', 'keydown']) {
      body.addEventListener(type, this);
    }
    this.node.addEventListener('pointerenter', () => window.clearTimeout(this.timer));
    this.node.addEventListener('pointerleave', () => this.hideSoon());
  }

  handleEvent(event: Event): void {
    const target = event.target instanceof Element ? event.target : null;
    const mark = target?.closest<HTMLElement>(MARK) ?? null;
    switch (event.type) {
      case 'pointerover':
      case 'focusin':
        return mark ? this.show(mark) : undefined;
      case 'pointerout':
      case 'focusout':
        return mark ? this.hideSoon() : undefined;
      case 'click':
        return this.follow(target);
      case 'keydown':
        return this.onKey(event as KeyboardEvent, target);
    }
  }

  dispose(): void {
    window.clearTimeout(this.timer);
    this.hide();
  }

  /** Take the card away, if its mark is no longer on the page. */
  check(): void {
    if (this.mark && !this.mark.isConnected) {
      this.hide();
    }
  }

  private onKey(event: KeyboardEvent, target: Element | null): void {
    if (event.key === 'Escape' && this.mark) {
      this.hide();
    } else if ((event.key === 'Enter' || event.key === ' ') && target?.matches(`${MARK}, ${NAME}`)) {
      event.preventDefault();
      this.follow(target);
    }
  }

  private follow(target: Element | null): void {
    const mark = target?.closest(MARK);
    const name = target?.closest(`${ENTRY} ${NAME}`) ?? (mark && this.entryOf(mark)?.querySelector(NAME));
    const variable = name?.textContent;
    const definition = variable ? this.find(variable) : null;
    if (definition) {
      this.hide();
      void definition.show();
    }
  }

  private show(mark: HTMLElement): void {
    window.clearTimeout(this.timer);
    if (mark === this.mark) {
      return;
    }
    this.hide();
    const entry = this.entryOf(mark);
    if (!entry) {
      return;
    }
    this.node.replaceChildren(...this.content(mark, entry));
    this.node.dataset.status = statusOf(mark);
    document.body.append(this.node);
    this.place(mark);
    mark.setAttribute('aria-describedby', this.node.id);
    this.mark = mark;
    window.addEventListener('scroll', this.onScroll, { capture: true, passive: true });
  }

  private hideSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (document.activeElement !== this.mark) {
        this.hide();
      }
    }, HIDE_AFTER_MS);
  }

  private hide(): void {
    window.removeEventListener('scroll', this.onScroll, { capture: true });
    this.mark?.removeAttribute('aria-describedby');
    this.mark = null;
    this.node.remove();
  }

  /** The card stands on the page and its mark has moved: it follows, for as long as the mark is seen. */
  private readonly onScroll = (event: Event): void => {
    if (!this.mark || this.node.contains(event.target as Node)) {
      return;
    }
    const box = this.mark.getBoundingClientRect();
    const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return this.mark.contains(there) ? this.place(this.mark) : this.hide();
  };

  /** The verdict on this claim first, then where the source says it, and what. */
  private content(mark: HTMLElement, entry: Element): Node[] {
    const verdict = entry.querySelector(`.jp-LocalLLM-verdict.${ofClass(mark)}`)?.cloneNode(true) as
      Element | undefined;
    verdict?.querySelector('q')?.remove();
    const head = document.createElement('div');
    head.className = 'jp-LocalLLM-cardHead';
    head.append(
      ...[...(entry.querySelector('.jp-LocalLLM-place')?.childNodes ?? [])].map(node => node.cloneNode(true))
    );
    for (const name of head.querySelectorAll(NAME)) {
      ['role', 'tabindex', 'title'].forEach(attribute => name.removeAttribute(attribute)); // it leads nowhere here
    }
    const excerpts = [...entry.querySelectorAll('.jp-LocalLLM-excerpt')].map(node => node.cloneNode(true));
    const variable = entry.querySelector(NAME)?.textContent;
    const nodes = [...(verdict ? [verdict] : []), ...(variable ? [head] : []), ...excerpts];
    const definition = variable ? this.find(variable) : null;
    if (definition) {
      const hint = document.createElement('div');
      hint.className = 'jp-LocalLLM-cardHint';
      hint.textContent = this.trans.__('Click or Enter: show the cell %1 of %2', definition.prompt, variable);
      nodes.push(hint);
    }
    return nodes;
  }

  private entryOf(mark: Element): Element | null {
    const verdict = this.body.querySelector(`${ENTRY} .jp-LocalLLM-verdict.${ofClass(mark)}`);
    return verdict?.closest(ENTRY) ?? null;
  }

  /** Below the mark, or above it where there is more room; never beyond the window. */
  private place(mark: HTMLElement): void {
    const box = mark.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = Math.min(box.left, window.innerWidth - width - GAP);
    const below = box.bottom + GAP;
    const above = box.top - GAP - height;
    const top = below + height <= window.innerHeight || above < 0 ? below : above;
    this.node.style.left = `${Math.max(GAP, left)}px`;
    this.node.style.top = `${top}px`;
  }

  private readonly node = document.createElement('div');
  private mark: HTMLElement | null = null;
  private timer = 0;
}

/** The class that a mark shares with the verdict on its claim. */
function ofClass(mark: Element): string {
  return [...mark.classList].find(name => OF.test(name)) ?? 'jp-LocalLLM-of-none';
}

function statusOf(mark: Element): string {
  const prefix = 'jp-LocalLLM-is-';
  return [...mark.classList].find(name => name.startsWith(prefix))?.slice(prefix.length) ?? '';
}
