/**
 * The conversations of the kernel: choose, begin, rename, delete, keep, export.
 */
import { deleteIcon, downloadIcon, editIcon, notebookIcon, pasteIcon, saveIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IConversation } from '../chat/protocol';
import { IconButton } from './button';
import { usePanel, useRun, useSession, useView } from './context';
import { keptConversations } from './notebook';

export function Conversations(): JSX.Element {
  const { controller, trans } = usePanel();
  const { session, conversation } = useView();
  const told = useSession(session)?.chat.kernel?.conversations ?? [];
  const known = told.some(({ name }) => name === conversation);
  const fresh = { name: conversation, turns: 0, kept: false, latest: false, edits: 0 };
  const all = known ? told : [...told, fresh];
  return (
    <section className="jp-LocalLLM-section" aria-label={trans.__('Conversations')}>
      <ul className="jp-LocalLLM-list">
        {all.map(entry => (
          <Entry key={entry.name} entry={entry} current={entry.name === conversation} known={entry !== fresh} />
        ))}
      </ul>
      <button type="button" className="jp-LocalLLM-textButton" onClick={() => controller.begin()}>
        {trans.__('New conversation')}
      </button>
    </section>
  );
}

interface IEntryProps {
  readonly entry: IConversation;
  readonly current: boolean;
  readonly known: boolean;
}

function Entry({ entry, current, known }: IEntryProps): JSX.Element {
  const { controller, trans } = usePanel();
  const { name, turns } = entry;
  return (
    <li className="jp-LocalLLM-entryRow" data-current={current}>
      <button
        type="button"
        className="jp-LocalLLM-choice"
        aria-current={current ? 'true' : undefined}
        onClick={() => controller.talks.choose(name)}
      >
        <span className="jp-LocalLLM-choiceName">{name}</span>
        <span className="jp-LocalLLM-choiceDetail">{trans._n('%1 turn', '%1 turns', turns)}</span>
      </button>
      {known && <Actions entry={entry} />}
    </li>
  );
}

function Actions({ entry: { name, kept } }: { readonly entry: IConversation }): JSX.Element {
  const panel = usePanel();
  const { controller, trans } = panel;
  const { situation } = useView();
  const run = useRun();
  const inNotebook = situation.notebook !== null && keptConversations(situation.notebook).has(name);
  const rename = async (): Promise<void> => {
    const to = await panel.askText(trans.__('Rename the conversation'), name, trans.__('Rename'));
    if (to && to !== name) {
      await controller.talks.rename(name, to);
    }
  };
  const remove = async (): Promise<void> => {
    const body = trans.__('Its turns are forgotten in this kernel and on disk.');
    if (await panel.confirm(trans.__('Delete the conversation "%1"?', name), body, trans.__('Delete'))) {
      await controller.talks.remove(name);
    }
  };
  return (
    <span className="jp-LocalLLM-actions">
      <IconButton
        icon={saveIcon}
        label={trans.__('Keep "%1" on disk', name)}
        pressed={kept}
        onClick={() => run(() => controller.session!.request({ type: 'keep', conversation: name, kept: !kept }))}
      />
      <IconButton
        icon={notebookIcon}
        label={trans.__('Keep "%1" with the notebook', name)}
        pressed={inNotebook}
        onClick={() => run(() => controller.talks.keepInNotebook(name, !inNotebook))}
      />
      <IconButton
        icon={downloadIcon}
        label={trans.__('Export "%1" to Markdown', name)}
        onClick={() => run(() => panel.exportMarkdown(name))}
      />
      <IconButton
        icon={pasteIcon}
        label={trans.__('Write "%1" into cells', name)}
        onClick={() => run(() => panel.exportCells(name))}
      />
      <IconButton icon={editIcon} label={trans.__('Rename "%1"', name)} onClick={() => run(rename)} />
      <IconButton icon={deleteIcon} label={trans.__('Delete "%1"', name)} onClick={() => run(remove)} />
    </span>
  );
}
