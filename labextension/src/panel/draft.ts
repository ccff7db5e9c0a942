/**
 * The question that is being written, and what is attached to it.
 */
import type { Cell } from '@jupyterlab/cells';

import type { Attachment } from '../chat/protocol';
import type { Store } from '../chat/store';
import { cellAttachment } from './notebook';
import type { IPanelView } from './view';

export class Draft {
  constructor(private readonly view: Store<IPanelView>) {}

  attach(...attachments: Attachment[]): void {
    const known = new Set(this.view.get().chips.map(keyOf));
    const fresh = attachments.filter(attachment => !known.has(keyOf(attachment)));
    this.view.update({ chips: [...this.view.get().chips, ...fresh] });
  }

  attachCell(cell: Cell | null | undefined): void {
    if (cell) {
      this.attach(cellAttachment(cell));
    }
  }

  detach(attachment: Attachment): void {
    this.view.update({ chips: this.view.get().chips.filter(other => other !== attachment) });
  }

  set(draft: string): void {
    this.view.update({ draft });
  }

  focus(): void {
    this.view.update({ focus: this.view.get().focus + 1 });
  }
}

/** Attachments of one key are the same thing twice. */
export function keyOf(attachment: Attachment): string {
  switch (attachment.kind) {
    case 'variable':
      return `variable ${attachment.name}`;
    case 'cell':
      return `cell ${attachment.id}`;
    case 'error':
      return `error ${attachment.source}`;
  }
}
