/**
 * Ghost text: what the kernel's model would write next, in the cell that is being typed in.
 */
import type { CompletionHandler, IInlineCompletionContext, IInlineCompletionProvider } from '@jupyterlab/completer';
import { NotebookPanel } from '@jupyterlab/notebook';

import { around, mayAsk } from '../chat/ghost';
import { asCompletion } from '../chat/replies';
import type { Session } from '../chat/session';
import type { Translations } from '../i18n';

export class GhostText implements IInlineCompletionProvider {
  /** @param session - that of a kernel which is listened to, or null. */
  constructor(
    trans: Translations,
    private readonly isOn: () => boolean,
    private readonly session: (kernelId: string) => Session | null
  ) {
    this.name = trans.__('Local LLM');
  }

  readonly identifier = 'jupyter-localllm';
  readonly name: string;

  async fetch(request: CompletionHandler.IRequest, context: IInlineCompletionContext) {
    const id = context.session?.kernel?.id;
    const session = this.isOn() && id !== undefined ? this.session(id) : null;
    const kernel = session?.chat.kernel;
    if (!session || !kernel || !mayAsk(kernel.queue)) {
      return { items: [] };
    }
    const { before, after } = around(request.text, request.offset, earlierCells(context));
    const language = request.mimeType?.includes('markdown') ? 'markdown' : 'python';
    try {
      const { text } = asCompletion(await session.request({ type: 'complete', before, after, language }));
      return { items: text.trim() === '' ? [] : [{ insertText: text }] };
    } catch {
      return { items: [] }; // stopped by a newer one, refused, or the kernel went away: then there is nothing to show
    }
  }
}

/** The code above the cell, from the first cell to the one before it. */
function earlierCells({ widget }: IInlineCompletionContext): readonly string[] {
  if (!(widget instanceof NotebookPanel)) {
    return [];
  }
  const { widgets, activeCellIndex } = widget.content;
  return widgets
    .slice(0, activeCellIndex)
    .filter(cell => cell.model.type === 'code')
    .map(cell => cell.model.sharedModel.getSource());
}
