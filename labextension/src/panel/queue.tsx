/**
 * Who is being answered and who waits for what, when there is more than the one question that everybody sees.
 */
import { stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IQueued } from '../chat/protocol';
import type { Translations } from '../i18n';
import { IconButton } from './button';
import { usePanel, useSession, useView } from './context';

export function Queue(): JSX.Element | null {
  const { trans } = usePanel();
  const { session, conversation } = useView();
  const queue = useSession(session)?.chat.kernel?.queue.filter(entry => entry.kind !== 'complete') ?? [];
  const [only] = queue;
  if (queue.length === 0 || (queue.length === 1 && only.kind === 'ask' && only.conversation === conversation)) {
    return null;
  }
  return (
    <section className="jp-LocalLLM-queue" aria-label={trans.__('Queue')}>
      <ol className="jp-LocalLLM-list">
        {queue.map(entry => (
          <li key={entry.request} className="jp-LocalLLM-queued" data-state={entry.state}>
            <span className="jp-LocalLLM-queuedName">{nameOf(entry, trans)}</span>
            <span className="jp-LocalLLM-choiceDetail">{whatOf(entry, queue, trans)}</span>
            {entry.kind !== 'cell' && (
              <IconButton
                icon={stopIcon}
                label={trans.__('Stop "%1"', nameOf(entry, trans))}
                onClick={() => session?.stop(entry.request)}
              />
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function nameOf(entry: IQueued, trans: Translations): string {
  switch (entry.kind) {
    case 'cell':
      return trans.__('A cell');
    case 'use':
      return trans.__('Another model');
    default:
      return entry.conversation ?? '';
  }
}

export function whatOf(entry: IQueued, queue: readonly IQueued[], trans: Translations): string {
  const first = queue.find(other => other.request === entry.waits_for);
  if (entry.state === 'queued') {
    return first ? trans.__('waits for "%1"', nameOf(first, trans)) : trans.__('waits for the model');
  }
  const words = {
    loading: trans.__('the model is loaded'),
    reading: trans.__('reads the question'),
    writing: trans.__('writes')
  }[entry.state];
  return entry.text ? `${words} · ${entry.text}` : words;
}
