/**
 * From an answer to the cell of a variable: finds the notebook above a widget and scrolls it.
 *
 * A renderer is told nothing of the notebook, so its parents are asked. What is used of them is named here, and looked
 * for before it is used: without it, as in a view of its own, nothing happens.
 */
import type { Widget } from '@lumino/widgets';

import { type ICode, definingCell } from './definition';

interface ICellModel {
  readonly type: string;
  readonly executionCount?: number | null;
  readonly sharedModel: { getSource(): string };
}

export interface INotebook extends Widget {
  readonly model: { readonly cells: Iterable<ICellModel> } | null;
  readonly widgets: readonly Widget[];
  scrollToItem(index: number, align?: string): Promise<void>;
}

const FLASH = 'jp-LocalLLM-flash';
const FLASH_MS = 1600;
const LONGEST = 100_000;

/** A cell that gave a variable its value. */
export interface IDefinition {
  /** What stands beside it in the notebook, as `[3]`; empty if it was not run. */
  readonly prompt: string;
  /** Scroll to it and make it flash. */
  show(): Promise<void>;
}

/**
 * Where a variable comes from, seen from an answer; null if no cell of the notebook says so.
 *
 * @param beside - the notebook to look in when the answer stands in none.
 */
export function findDefinition(answer: Widget, variable: string, beside?: INotebook | null): IDefinition | null {
  const notebook = notebookOf(answer) ?? beside ?? null;
  if (!notebook) {
    return null;
  }
  const cells = [...(notebook.model?.cells ?? [])].map(asCode);
  const own = notebook.widgets.findIndex(cell => cell.node.contains(answer.node));
  const index = definingCell(cells, variable, own < 0 ? cells.length : own);
  if (index < 0) {
    return null;
  }
  const count = cells[index].executionCount;
  return { prompt: count ? `[${count}]` : '', show: () => show(notebook, index) };
}

async function show(notebook: INotebook, index: number): Promise<void> {
  await notebook.scrollToItem(index, 'smart');
  const node = notebook.widgets[index]?.node;
  if (node) {
    node.classList.remove(FLASH);
    void node.offsetWidth; // starts the animation anew
    node.classList.add(FLASH);
    window.setTimeout(() => node.classList.remove(FLASH), FLASH_MS);
  }
}

/** A cell too long to be read by a person is not read here either. */
function asCode(cell: ICellModel): ICode {
  const source = cell.type === 'code' ? cell.sharedModel.getSource() : '';
  return { source: source.length > LONGEST ? '' : source, executionCount: cell.executionCount };
}

function notebookOf(widget: Widget): INotebook | null {
  for (let above = widget.parent; above; above = above.parent) {
    if (isNotebook(above)) {
      return above;
    }
  }
  return null;
}

function isNotebook(widget: unknown): widget is INotebook {
  const { model, widgets, scrollToItem } = widget as { [name: string]: unknown };
  const hasCells = typeof model === 'object' && model !== null && 'cells' in model;
  return hasCells && Array.isArray(widgets) && typeof scrollToItem === 'function';
}
