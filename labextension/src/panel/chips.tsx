/**
 * What is attached to a question.
 */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Attachment } from '../chat/protocol';
import type { Translations } from '../i18n';
import { IconButton } from './button';
import { usePanel, useView } from './context';
import { keyOf } from './draft';
import { tokens } from './figures';

export function Chips(): JSX.Element | null {
  const { controller, trans } = usePanel();
  const { chips } = useView();
  if (chips.length === 0) {
    return null;
  }
  return (
    <ul className="jp-LocalLLM-chips" aria-label={trans.__('Attached')}>
      {chips.map(attachment => (
        <li key={keyOf(attachment)}>
          <Chip attachment={attachment} onRemove={() => controller.draft.detach(attachment)} />
        </li>
      ))}
    </ul>
  );
}

interface IChipProps {
  readonly attachment: Attachment;
  readonly onRemove?: () => void;
}

export function Chip({ attachment, onRemove }: IChipProps): JSX.Element {
  const { trans } = usePanel();
  const name = nameOf(attachment, trans);
  return (
    <span className="jp-LocalLLM-chip" data-kind={attachment.kind} title={titleOf(attachment)}>
      <span className="jp-LocalLLM-chipName">{name}</span>
      {onRemove && <IconButton icon={closeIcon} label={trans.__('Remove %1', name)} onClick={onRemove} />}
    </span>
  );
}

function nameOf(attachment: Attachment, trans: Translations): string {
  switch (attachment.kind) {
    case 'variable':
      return attachment.name;
    case 'cell':
      return trans.__('cell: %1', firstLine(attachment.source));
    case 'error':
      return trans.__('error: %1', lastLine(attachment.traceback));
  }
}

function titleOf(attachment: Attachment): string {
  switch (attachment.kind) {
    case 'variable':
      return attachment.name;
    case 'cell':
      return attachment.source.slice(0, 400);
    case 'error':
      return attachment.traceback.slice(-400);
  }
}

/** About how much of the window a text takes. */
export function cost(text: string): string {
  return `≈ ${tokens(text.length / 4)}`;
}

export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] || '…';
}

function lastLine(text: string): string {
  return text.trim().split('\n').pop() || '…';
}
