/**
 * What the panel reads from the current notebook and writes into it. All changes can be undone in the notebook.
 */
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { IOutputModel } from '@jupyterlab/rendermime';

import type { Values } from '../chat/checks';
import { namesIn, plainTraceback, wellFormed } from '../chat/code';
import { keptIn, withKept } from '../chat/kept';
import type { Attachment } from '../chat/protocol';

export interface ICellChoice {
  readonly id: string;
  /** As `[3]`; empty if it was not run. */
  readonly prompt: string;
  readonly source: string;
  readonly type: string;
}

/** So much of a cell's output goes along, in characters. */
const MOST_OUTPUT = 8000;
const MOST_SOURCE = 100_000;

/** The cells, from first to last. */
export function cellsOf(panel: NotebookPanel): ICellChoice[] {
  return panel.content.widgets.map(cell => ({
    id: cell.model.id,
    prompt: promptOf(cell),
    source: cell.model.sharedModel.getSource(),
    type: cell.model.type
  }));
}

export function cellAttachment(cell: Cell): Attachment {
  const { id, sharedModel } = cell.model;
  return { kind: 'cell', id, source: cut(sharedModel.getSource(), MOST_SOURCE), outputs: outputsOf(cell) };
}

/** A failed cell with its traceback and the names it speaks of; null when it did not fail. */
export function errorAttachment(cell: Cell): Attachment | null {
  const error = errorOf(cell);
  if (!error) {
    return null;
  }
  const lines = Array.isArray(error.traceback) ? error.traceback.map(String) : [];
  const source = cut(cell.model.sharedModel.getSource(), MOST_SOURCE);
  const traceback = wellFormed(plainTraceback(lines)) || `${error.ename}: ${error.evalue}`;
  return { kind: 'error', source, traceback, variables: namesIn(source) };
}

export function hasError(cell: Cell): boolean {
  return errorModelOf(cell) !== null;
}

/** The current cell if it failed, or else the last cell that did. */
export function failedCell(panel: NotebookPanel): Cell | null {
  const active = panel.content.activeCell;
  return active && hasError(active) ? active : ([...panel.content.widgets].reverse().find(hasError) ?? null);
}

/** The cell that a fix is for: the one of that id, or one that still has the text that was sent. */
export function findCell(panel: NotebookPanel, id: string | undefined, source: string): Cell | null {
  const cells = panel.content.widgets;
  const named = cells.find(cell => cell.model.id === id);
  return named ?? cells.find(cell => cell.model.sharedModel.getSource() === source) ?? null;
}

export function insertBelow(panel: NotebookPanel, source: string, type: 'code' | 'markdown' = 'code'): void {
  insertAt(panel, panel.content.activeCellIndex + 1, source, type);
}

export function insertAtEnd(panel: NotebookPanel, source: string, type: 'code' | 'markdown' = 'code'): void {
  insertAt(panel, panel.content.widgets.length, source, type);
}

/** Replace the text of a cell; of the current one when none is named. */
export function replaceCell(panel: NotebookPanel, source: string, cell: Cell | null = panel.content.activeCell): void {
  if (cell) {
    cell.model.sharedModel.setSource(source);
    void panel.content.scrollToCell(cell);
  }
}

/** Make cells of a conversation: each question and each answer is a Markdown cell. */
export function insertTurns(panel: NotebookPanel, texts: readonly string[]): void {
  texts.forEach(text => insertAtEnd(panel, text, 'markdown'));
  NotebookActions.renderAllMarkdown(panel.content);
}

const KEY = 'jupyter_localllm';

/** Conversations that are kept in the notebook's file, by their names. */
export function keptConversations(panel: NotebookPanel): ReadonlyMap<string, Values> {
  return keptIn(panel.model?.getMetadata(KEY));
}

/** Keep a conversation in the notebook's file, or no longer when there is no document. */
export function keepConversation(panel: NotebookPanel, name: string, document: Values | null): void {
  const values = withKept(panel.model?.getMetadata(KEY), name, document);
  if (values) {
    panel.model?.setMetadata(KEY, values);
  } else {
    panel.model?.deleteMetadata(KEY);
  }
}

function insertAt(panel: NotebookPanel, index: number, source: string, cell_type: 'code' | 'markdown'): void {
  const { content: notebook } = panel;
  const metadata = cell_type === 'code' ? { trusted: false } : {};
  notebook.model?.sharedModel.insertCell(index, { cell_type, source, metadata });
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  void notebook.scrollToItem(index, 'smart');
}

interface IErrorOutput {
  readonly ename?: unknown;
  readonly evalue?: unknown;
  readonly traceback?: unknown;
}

function errorOf(cell: Cell): IErrorOutput | null {
  return (errorModelOf(cell)?.toJSON() as IErrorOutput | undefined) ?? null;
}

/** Found by its type alone: what else the cell has put out may be long, and is not copied for this. */
function errorModelOf(cell: Cell): IOutputModel | null {
  const outputs = cell.model.type === 'code' ? (cell.model as ICodeCellModel).outputs : null;
  for (let index = 0; outputs && index < outputs.length; index += 1) {
    if (outputs.get(index).type === 'error') {
      return outputs.get(index);
    }
  }
  return null;
}

function outputsOf(cell: Cell): string {
  const texts = outputsAsJson(cell).map(output => {
    const { text, data, traceback } = output as { text?: unknown; data?: Values; traceback?: string[] };
    return traceback ? plainTraceback(traceback) : asText(text ?? data?.['text/plain'] ?? '');
  });
  return cut(texts.join('\n'), MOST_OUTPUT);
}

function outputsAsJson(cell: Cell): readonly unknown[] {
  const { outputs } = cell.model as ICodeCellModel;
  return outputs?.toJSON() ?? [];
}

function promptOf(cell: Cell): string {
  const count = (cell.model as ICodeCellModel).executionCount;
  return count ? `[${count}]` : '';
}

function asText(value: unknown): string {
  return Array.isArray(value) ? value.join('') : String(value);
}

function cut(text: string, most: number): string {
  return wellFormed(text.length > most ? `${text.slice(0, most)}…` : text);
}
