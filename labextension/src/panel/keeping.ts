/**
 * Conversations that are kept with notebooks: in their metadata, for those who asked for it.
 *
 * A notebook's copy may be the only one there is. It is written over only by a conversation that it was restored to, or
 * that was begun in it: one that the kernel could not restore, or that was not restored yet, stays as it is.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { asExport, asOpened } from '../chat/replies';
import { RequestError, type Session } from '../chat/session';
import { toldOf } from '../chat/state';
import { keepConversation, keptConversations } from './notebook';

/** A notebook file should stay a file that a person can diff and send; and what is kept must fit into one message. */
const MOST_BYTES = 500_000;

/** Answers that end together are written once. */
const SOON_MS = 200;

export class Keeping {
  /**
   * @param notebooks - all that are open.
   * @param isOf - whether a notebook's kernel is that of a session.
   * @param changed - told when a notebook keeps another thing than before.
   */
  constructor(
    private readonly notebooks: INotebookTracker,
    private readonly isOf: (panel: NotebookPanel, session: Session) => boolean,
    private readonly changed: () => void
  ) {}

  /** Give the kernel what its notebooks keep, each once for each process of the kernel. */
  async restore(session: Session): Promise<void> {
    for (const panel of this.of(session)) {
      if (!this.heldBy(panel, session)) {
        this.held.set(panel, { session, process: this.processOf(session), names: new Set() });
        await this.restoreFrom(panel, session);
      }
    }
  }

  /** The kernel may be another process, which has none of it. */
  begin(session: Session): void {
    this.processes.set(session, this.processOf(session) + 1);
  }

  /** Keep a conversation in a notebook from now on, or no longer. */
  async keep(panel: NotebookPanel, session: Session, conversation: string, kept: boolean): Promise<void> {
    if (kept) {
      await this.write(panel, session, conversation);
      this.hold(panel, session, conversation);
    } else {
      this.drop(panel, conversation);
    }
    this.changed();
  }

  /**
   * A conversation has other turns than before: it is saved again in each notebook that keeps it.
   *
   * @param begun - the notebook in which it was led, if that is to keep it from now on.
   */
  soon(session: Session, conversation: string, begun: NotebookPanel | null = null): void {
    if (begun && !begun.isDisposed && this.isOf(begun, session) && !keptConversations(begun).has(conversation)) {
      this.hold(begun, session, conversation);
    }
    const waiting = this.waiting.get(session) ?? new Set<string>();
    this.waiting.set(session, waiting);
    if (waiting.size === 0) {
      window.setTimeout(() => {
        this.waiting.delete(session);
        void this.save(session, [...waiting]);
      }, SOON_MS);
    }
    waiting.add(conversation);
  }

  /** The conversation has another name, in all notebooks that keep it. */
  async renamed(session: Session, from: string, to: string): Promise<void> {
    for (const panel of this.keepers(session, from)) {
      await this.write(panel, session, to); // first, so that the file has one of them at each moment
      this.hold(panel, session, to);
      this.drop(panel, from);
    }
    this.changed();
  }

  /** The conversation is deleted, from all notebooks that keep it. */
  removed(session: Session, conversation: string): void {
    this.keepers(session, conversation).forEach(panel => this.drop(panel, conversation));
    this.changed();
  }

  private async restoreFrom(panel: NotebookPanel, session: Session): Promise<void> {
    for (const [name, document] of keptConversations(panel)) {
      try {
        const { conversation } = asOpened(await session.request({ type: 'restore', document }));
        session.refresh(conversation);
        this.hold(panel, session, conversation);
        if (Array.isArray(document.turns) && toldOf(session.chat, conversation).turns > document.turns.length) {
          this.soon(session, conversation); // it went on while no panel looked
        }
        if (conversation !== name && !panel.isDisposed) {
          keepConversation(panel, conversation, { ...document, name: conversation });
          this.drop(panel, name); // the kernel has another one of that name
        }
      } catch (error) {
        session.tell(error); // the others may be whole
      }
    }
  }

  private async save(session: Session, conversations: readonly string[]): Promise<void> {
    for (const conversation of conversations) {
      const there = session.chat.kernel?.conversations.some(({ name }) => name === conversation);
      try {
        for (const panel of there ? this.of(session) : []) {
          if (this.heldBy(panel, session)?.names.has(conversation)) {
            await this.write(panel, session, conversation);
          }
        }
      } catch (error) {
        session.tell(error); // the others may be short enough
      }
    }
    this.changed();
  }

  private async write(panel: NotebookPanel, session: Session, conversation: string): Promise<void> {
    const reply = await session.request({ type: 'export', conversation, format: 'json' });
    const { document } = asExport(reply);
    const bytes = new TextEncoder().encode(JSON.stringify(document)).length;
    if (bytes > MOST_BYTES) {
      throw new RequestError(
        'too long',
        session.trans.__('The conversation "%1" has %2 bytes; a notebook keeps %3.', conversation, bytes, MOST_BYTES),
        session.trans.__('Keep it on disk, or export it.')
      );
    }
    if (!panel.isDisposed) {
      keepConversation(panel, conversation, document);
    }
  }

  private drop(panel: NotebookPanel, conversation: string): void {
    if (!panel.isDisposed) {
      keepConversation(panel, conversation, null);
    }
    this.held.get(panel)?.names.delete(conversation);
  }

  private hold(panel: NotebookPanel, session: Session, conversation: string): void {
    const held = this.heldBy(panel, session) ?? { session, process: this.processOf(session), names: new Set<string>() };
    held.names.add(conversation);
    this.held.set(panel, held);
  }

  private keepers(session: Session, conversation: string): readonly NotebookPanel[] {
    return this.of(session).filter(panel => keptConversations(panel).has(conversation));
  }

  private of(session: Session): readonly NotebookPanel[] {
    return this.notebooks.filter(panel => !panel.isDisposed && this.isOf(panel, session));
  }

  private heldBy(panel: NotebookPanel, session: Session): IHeld | null {
    const held = this.held.get(panel);
    return held?.session === session && held.process === this.processOf(session) ? held : null;
  }

  private processOf(session: Session): number {
    return this.processes.get(session) ?? 0;
  }

  private readonly held = new WeakMap<NotebookPanel, IHeld>();
  private readonly processes = new WeakMap<Session, number>();
  private readonly waiting = new Map<Session, Set<string>>();
}

/** What of a notebook was restored to a process of a kernel, or begun in it, and may be written over. */
interface IHeld {
  readonly session: Session;
  readonly process: number;
  readonly names: Set<string>;
}
