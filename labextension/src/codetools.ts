/**
 * Buttons on blocks of code: copying everywhere, and in the panel what puts the code into the notebook.
 */
import { copyText } from './clipboard';
import type { Translations } from './i18n';

const BLOCK = '.jp-LocalLLM-code';
const BUTTON = '.jp-LocalLLM-codeTool';

/** For how long a button says that it did it. */
const DONE_MS = 1500;

export interface ICodeAction {
  readonly name: string;
  readonly label: string;
  /** An SVG of our own. */
  readonly icon: string;
  run(code: string): void;
}

const svg = (path: string): string =>
  `<svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.3" aria-hidden="true">${path}</svg>`;

export const ICONS = {
  copy: svg(
    '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/>' +
      '<path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>'
  ),
  below: svg('<path d="M2.5 3.5h11M8 6v7m-3-3 3 3 3-3"/>'),
  replace: svg('<path d="M3 6.5a5 5 0 0 1 9-1.5l1 1.5m0-3.5v3.5H9.5M13 9.5a5 5 0 0 1-9 1.5l-1-1.5m0 3.5V9.5h3.5"/>'),
  add: svg('<rect x="2.5" y="2.5" width="11" height="11" rx="1.5"/><path d="M8 5.5v5M5.5 8h5"/>')
};

/** Put each block of code into a frame with its buttons. What is clicked is heard by `CodeTools`. */
export function prepareCode(content: ParentNode, actions: readonly ICodeAction[], trans: Translations): void {
  for (const block of content.querySelectorAll<HTMLElement>('.jp-LocalLLM-text pre')) {
    if (!block.querySelector(':scope > code')) {
      continue;
    }
    const frame = document.createElement('div');
    frame.className = 'jp-LocalLLM-code';
    const bar = document.createElement('div');
    bar.className = 'jp-LocalLLM-codeBar';
    bar.setAttribute('role', 'group');
    bar.setAttribute('aria-label', trans.__('Code'));
    bar.append(...actions.map(makeButton));
    block.tabIndex = 0; // it may scroll
    block.dataset.lmSuppressShortcuts = 'true';
    block.replaceWith(frame);
    frame.append(block, bar);
  }
}

function makeButton(action: ICodeAction): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = BUTTON.slice(1);
  button.title = action.label;
  button.setAttribute('aria-label', action.label);
  button.dataset.action = action.name;
  button.innerHTML = action.icon;
  return button;
}

export class CodeTools {
  /** @param more - what can be done beside copying. */
  constructor(
    body: HTMLElement,
    private readonly trans: Translations,
    private readonly more: () => readonly ICodeAction[]
  ) {
    body.addEventListener('click', event => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>(BUTTON) : null;
      const code = button?.closest(BLOCK)?.querySelector('pre')?.textContent;
      const action = this.actions().find(({ name }) => name === button?.dataset.action);
      if (button && action && code) {
        action.run(code.replace(/\n$/, ''));
        button.classList.add('jp-LocalLLM-mod-copied');
        window.setTimeout(() => button.classList.remove('jp-LocalLLM-mod-copied'), DONE_MS);
      }
    });
  }

  actions(): readonly ICodeAction[] {
    const copy = {
      name: 'copy',
      label: this.trans.__('Copy the code'),
      icon: ICONS.copy,
      run: (code: string) => void copyText(code)
    };
    return [copy, ...this.more()];
  }
}
