/**
 * The widget that shows one answer and follows it while it is written.
 */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { Cards, prepareMarks } from './cards';
import { CodeTools, type ICodeAction, prepareCode } from './codetools';
import { AnswerHeader } from './header';
import { type Translations, translations } from './i18n';
import { type IAnswer, MIME_TYPE, parseAnswer } from './model';
import { MATH, morph } from './morph';
import { type INotebook, findDefinition } from './reveal';
import { safeFragment } from './sanitize';

/** For how long formulas of an answer are typeset at a stretch, and in all; what is left then stands there as TeX. */
const STRETCH_MS = 40;
const MOST_MS = 5000;

/** What an answer is told of where it stands, when that is not a cell. */
export interface IAnswerHost {
  /** The notebook whose cells define the variables that the answer cites. */
  notebook(): INotebook | null;
  /** What can be done with a block of code, beside copying it. */
  readonly codeActions: readonly ICodeAction[];
}

export class AnswerWidget extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly options: IRenderMime.IRendererOptions) {
    super();
    this.addClass('jp-LocalLLM');
    this.trans = translations(options.translator);
    this.header = new AnswerHeader(this.trans);
    this.body.className = 'jp-LocalLLM-body jp-RenderedHTMLCommon';
    this.cards = new Cards(this.body, this.trans, variable => findDefinition(this, variable, this.host?.notebook()));
    this.tools = new CodeTools(this.body, this.trans, () => this.host?.codeActions ?? []);
    this.node.append(this.header.node, this.body);
  }

  /** Set before the first rendering where the answer stands outside of a notebook. */
  host: IAnswerHost | null = null;

  /** Show the output as it is now; JupyterLab calls this again, on the same widget, for each update of the display. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const answer = parseAnswer(model.data[MIME_TYPE], model.metadata);
    const wanted = this.content(model.data, answer);
    this.header.node.hidden = answer === null;
    if (answer) {
      this.header.update(answer, takeStatus(wanted, answer));
    }
    prepareMarks(wanted, this.trans);
    prepareCode(wanted, this.tools.actions(), this.trans);
    for (const block of morph(this.body, wanted)) {
      this.formulas.push(...(block.matches(MATH) ? [block] : block.querySelectorAll<HTMLElement>(MATH)));
    }
    this.cards.check();
    void this.typeset();
  }

  dispose(): void {
    this.cards.dispose();
    super.dispose();
  }

  private content(data: IRenderMime.IMimeModel['data'], answer: IAnswer | null): DocumentFragment {
    const html = data['text/html'];
    return html === undefined
      ? preformatted(answer?.text ?? asText(data['text/plain'] ?? ''))
      : safeFragment(asText(html), this.options.sanitizer);
  }

  protected onAfterAttach(): void {
    void this.typeset();
  }

  protected onBeforeDetach(): void {
    this.cards.dispose();
  }

  /**
   * Typeset what is new and marked as mathematics: "$5 and $10" stays money, and MathJax is not even loaded for an answer
   * without formulas. It measures what it sets, so it is asked only when the widget is on the page; and it lays the page
   * out for each formula, so thousands of them would freeze it for minutes: there is a pause now and then, and an end.
   */
  private async typeset(): Promise<void> {
    const typesetter = this.options.latexTypesetter;
    if (!typesetter || !this.isAttached || this.typesetting) {
      return;
    }
    this.typesetting = true;
    try {
      for (let stretch = 0; this.isAttached && this.formulas.length > 0 && this.spent < MOST_MS;) {
        const formula = this.formulas.shift()!;
        const begun = performance.now();
        try {
          await (formula.isConnected ? typesetter.typeset(formula) : undefined);
        } catch (reason) {
          console.warn('A formula was not typeset.', reason); // the others are
        }
        stretch += performance.now() - begun;
        if (stretch > STRETCH_MS) {
          this.spent += this.loaded ? stretch : 0; // the first stretch waits for MathJax to be loaded
          this.loaded = true;
          stretch = 0;
          await new Promise(resume => window.setTimeout(resume));
        }
      }
    } finally {
      this.typesetting = false;
    }
  }

  private readonly trans: Translations;
  private readonly header: AnswerHeader;
  private readonly cards: Cards;
  private readonly tools: CodeTools;
  private readonly body = document.createElement('div');
  private readonly formulas: HTMLElement[] = [];
  private typesetting = false;
  private loaded = false;
  private spent = 0;
}

/**
 * Takes out of the HTML what the header says: the line with model and tokens, made for front ends without this extension.
 *
 * @returns what that line says to be going on.
 */
function takeStatus(content: DocumentFragment, { model }: IAnswer): string {
  const status = content.querySelector('.jp-LocalLLM-status')?.textContent?.trim() ?? '';
  content.querySelectorAll('.jp-LocalLLM-status, .jp-LocalLLM-footer').forEach(line => line.remove());
  const prefix = `${model} · `;
  return model !== '' && status.startsWith(prefix) ? status.slice(prefix.length) : status;
}

function preformatted(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const block = document.createElement('pre');
  block.textContent = text;
  fragment.append(block);
  return fragment;
}

/** In a notebook file a text may be a list of lines. */
function asText(value: unknown): string {
  return Array.isArray(value) ? value.join('') : String(value);
}
