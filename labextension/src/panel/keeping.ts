/**
 * Conversations that are kept with the notebook: in its metadata, for those who asked for it.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { asExport, asOpened } from '../chat/replies';
import { RequestError, type Session } from '../chat/session';
import { keepConversation, keptConversations } from './notebook';

/** A notebook file should stay a file that a person can diff and send; in characters of JSON. */
const MOST = 500_000;

export async function keepWithNotebook(
  notebook: NotebookPanel,
  session: Session,
  conversation: string,
  kept: boolean
): Promise<void> {
  if (!kept) {
    keepConversation(notebook, conversation, null);
    return;
  }
  const reply = await session.request({ type: 'export', conversation, format: 'json' });
  const { document } = asExport(reply);
  const length = JSON.stringify(document).length;
  if (length > MOST) {
    throw new RequestError(
      'too long',
      `The conversation "${conversation}" has ${length} characters; a notebook keeps ${MOST} at most.`,
      'Keep it on disk, or export it.'
    );
  }
  if (!notebook.isDisposed) {
    keepConversation(notebook, conversation, document);
  }
}

/** Save a conversation again in each notebook that keeps it; the one in front begins to, where that is the rule. */
export async function keepAll(
  notebooks: INotebookTracker,
  front: NotebookPanel | null,
  session: Session,
  conversation: string,
  { isOf, byDefault }: { isOf: (panel: NotebookPanel) => boolean; byDefault: boolean }
): Promise<void> {
  const keepers = notebooks.filter(
    panel => isOf(panel) && (keptConversations(panel).has(conversation) || (byDefault && panel === front))
  );
  for (const panel of keepers) {
    await keepWithNotebook(panel, session, conversation, true);
  }
}

/**
 * Give the kernel the conversations that a notebook keeps. Returns their names: where the kernel has another one of the
 * same name, the notebook's gets a name of its own, and is kept under that from then on.
 */
export async function restoreKept(notebook: NotebookPanel, session: Session): Promise<readonly string[]> {
  const names: string[] = [];
  for (const [name, document] of keptConversations(notebook)) {
    let conversation: string;
    try {
      ({ conversation } = asOpened(await session.request({ type: 'restore', document })));
    } catch (error) {
      session.tell(error); // the others may be whole
      continue;
    }
    session.forget(conversation);
    names.push(conversation);
    if (conversation !== name && !notebook.isDisposed) {
      keepConversation(notebook, name, null);
      keepConversation(notebook, conversation, { ...document, name: conversation });
    }
  }
  return names;
}
