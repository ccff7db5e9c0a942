/**
 * "Explain" and "Fix" under a cell that failed.
 *
 * The bar is a child of the cell, between its outputs and its footer; it is not an output, so that nothing of it is
 * saved. It goes when the cell is run again or its outputs are cleared.
 */
import type { Cell, CodeCell } from '@jupyterlab/cells';
import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { type PanelLayout, Widget } from '@lumino/widgets';

import type { Translations } from '../i18n';
import { hasError } from './notebook';

type Help = (task: 'explain' | 'fix', cell: Cell) => void;

class ErrorBar extends Widget {
  constructor(cell: CodeCell, trans: Translations, help: Help) {
    super();
    this.addClass('jp-LocalLLM-errorBar');
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', trans.__('Help with this error'));
    this.node.append(
      button(trans.__('Explain'), trans.__('Explain this error with the local model'), () => help('explain', cell)),
      button(trans.__('Fix'), trans.__('Have the local model propose a fix'), () => help('fix', cell))
    );
  }
}

export class ErrorBars {
  constructor(
    private readonly notebooks: INotebookTracker,
    private readonly trans: Translations,
    private readonly help: Help
  ) {
    NotebookActions.executed.connect(this.onExecuted);
    notebooks.widgetAdded.connect(this.onAdded);
    notebooks.forEach(panel => this.watch(panel));
  }

  dispose(): void {
    this.isDisposed = true;
    NotebookActions.executed.disconnect(this.onExecuted);
    this.notebooks.widgetAdded.disconnect(this.onAdded);
    this.notebooks.forEach(panel => panel.content.widgets.forEach(cell => this.remove(cell)));
  }

  /** A notebook that was saved with errors has them when it is opened. */
  private watch(panel: NotebookPanel): void {
    void panel.revealed.then(() => panel.content.widgets.forEach(cell => this.look(cell)));
  }

  private readonly onAdded = (_: unknown, panel: NotebookPanel): void => this.watch(panel);

  private readonly onExecuted = (_: unknown, { cell }: { cell: Cell }): void => this.look(cell);

  private look(cell: Cell): void {
    const wanted = !this.isDisposed && !cell.isDisposed && hasError(cell); // a notebook may be revealed after the end
    if (wanted && !this.bars.has(cell)) {
      this.add(cell as CodeCell);
    } else if (!wanted) {
      this.remove(cell);
    }
  }

  private add(cell: CodeCell): void {
    const layout = cell.layout as PanelLayout;
    const bar = new ErrorBar(cell, this.trans, this.help);
    layout.insertWidget(layout.widgets.length - 1, bar);
    this.bars.set(cell, bar);
    const { outputs } = cell.model;
    const onChange = (): void => {
      if (!hasError(cell)) {
        this.remove(cell);
      }
    };
    outputs.changed.connect(onChange);
    bar.disposed.connect(() => outputs.changed.disconnect(onChange));
  }

  private remove(cell: Cell): void {
    this.bars.get(cell)?.dispose();
    this.bars.delete(cell);
  }

  private isDisposed = false;
  private readonly bars = new WeakMap<Cell, ErrorBar>();
}

function button(label: string, title: string, run: () => void): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = 'jp-LocalLLM-textButton';
  node.textContent = label;
  node.title = title;
  node.addEventListener('click', run);
  return node;
}
