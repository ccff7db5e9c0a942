/**
 * The content of the sidebar: React on a widget, and cells that are dropped on it.
 */
import { InputDialog, ReactWidget, showDialog, Dialog } from '@jupyterlab/apputils';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Drag } from '@lumino/dragdrop';
import * as React from 'react';

import { markdownOf } from '../chat/exported';
import { asExport } from '../chat/replies';
import { RequestError } from '../chat/session';
import { App } from './app';
import type { IPanelContext } from './context';
import type { Controller } from './controller';
import { insertTurns } from './notebook';

const CELLS = 'application/vnd.jupyter.cells';
/** The same cells as they stand in the notebook, with their outputs. */
const WIDGETS = 'internal:cells';

export function makeContent(
  app: JupyterFrontEnd,
  controller: Controller,
  rendermime: IRenderMimeRegistry
): ReactWidget {
  return new Content(contextOf(app, controller, rendermime));
}

class Content extends ReactWidget {
  constructor(private readonly context: IPanelContext) {
    super();
    this.addClass('jp-LocalLLM-content');
    context.controller.start();
  }

  protected render(): JSX.Element {
    return <App context={this.context} />;
  }

  protected onAfterAttach(...messages: Parameters<ReactWidget['onAfterAttach']>): void {
    super.onAfterAttach(...messages);
    DRAGS.forEach(type => this.node.addEventListener(type, this.onDrag));
  }

  protected onBeforeDetach(...messages: Parameters<ReactWidget['onBeforeDetach']>): void {
    DRAGS.forEach(type => this.node.removeEventListener(type, this.onDrag));
    super.onBeforeDetach(...messages);
  }

  /** Cells of a notebook, dropped anywhere on the panel, are attached. */
  private readonly onDrag = (raw: Event): void => {
    const event = raw as unknown as Drag.Event;
    if (!event.mimeData.hasData(CELLS)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    event.dropAction = 'copy';
    this.toggleClass('jp-LocalLLM-mod-drop', event.type === 'lm-dragenter' || event.type === 'lm-dragover');
    if (event.type === 'lm-drop') {
      const { draft } = this.context.controller;
      const cells = event.mimeData.getData(WIDGETS) as readonly Cell[] | undefined;
      cells?.forEach(cell => draft.attachCell(cell));
      draft.focus();
    }
  };
}

const DRAGS = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'];

function contextOf(app: JupyterFrontEnd, controller: Controller, rendermime: IRenderMimeRegistry): IPanelContext {
  const { trans } = controller;
  return {
    controller,
    trans,
    rendermime,
    exportMarkdown: async conversation => {
      const { text } = asExport(
        await controller.session?.request({ type: 'export', conversation, format: 'markdown' })
      );
      const path = await save(app, controller.notebook?.context.path ?? '', conversation, text);
      await app.commands.execute('docmanager:open', { path });
    },
    exportCells: async conversation => {
      const { notebook, session } = controller;
      await session?.open(conversation); // one that was never shown here has no turns yet
      const texts = markdownOf(session?.chat.turns.get(conversation) ?? []);
      const omitted = session?.chat.omitted.get(conversation) ?? 0;
      if (texts.length === 0) {
        throw new RequestError('nothing', trans.__('There is no finished answer to write into cells.'), '');
      }
      if (notebook && !notebook.isDisposed) {
        insertTurns(notebook, texts);
        if (omitted > 0) {
          const left = trans.__(
            'The first %1 turns are not among the cells: they did not fit into the panel.',
            omitted
          );
          session?.tell(new RequestError('omitted', left, trans.__('The export to Markdown has all.')));
        }
      }
    },
    askText: async (title, text, okLabel) =>
      (await InputDialog.getText({ title, text, okLabel, cancelLabel: trans.__('Cancel') })).value,
    confirm: async (title, body, label) => {
      const buttons = [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label })];
      return (await showDialog({ title, body, buttons })).button.accept;
    }
  };
}

/** Save beside the notebook, under the first name that is free. */
async function save(app: JupyterFrontEnd, beside: string, name: string, content: string): Promise<string> {
  const { contents } = app.serviceManager;
  const folder = beside.includes('/') ? beside.slice(0, beside.lastIndexOf('/') + 1) : '';
  const stem = folder + (name.replace(/[^\p{L}\p{N}_ -]/gu, '_') || 'chat');
  for (let number = 1; ; number += 1) {
    const path = number === 1 ? `${stem}.md` : `${stem}-${number}.md`;
    const taken = await contents.get(path, { content: false }).then(
      () => true,
      () => false
    );
    if (!taken) {
      await contents.save(path, { type: 'file', format: 'text', content });
      return path;
    }
  }
}
