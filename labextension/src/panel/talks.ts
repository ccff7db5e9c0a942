/**
 * The conversations of the kernel: which one is shown, and what is done with them.
 */
import type { Session } from '../chat/session';
import type { Store } from '../chat/store';
import type { Keeping } from './keeping';
import { type IPanelView, FIRST_CONVERSATION } from './view';

export class Talks {
  constructor(
    private readonly view: Store<IPanelView>,
    private readonly keeping: Keeping
  ) {}

  /** The one to show of a session: the one that was chosen, or else the latest. */
  of(session: Session | null): string {
    const chosen = session && this.chosen.get(session);
    const latest = session?.chat.kernel?.conversations.find(conversation => conversation.latest);
    return chosen ?? latest?.name ?? FIRST_CONVERSATION;
  }

  /** Fetch what the kernel has of the one that is shown, and this panel not. */
  catchUp(): void {
    const { session, conversation } = this.view.get();
    if (session?.connection.phase === 'ready') {
      session.catchUp(conversation);
    }
  }

  choose(conversation: string): void {
    const { session } = this.view.get();
    if (session) {
      this.chosen.set(session, conversation);
    }
    this.view.update({ conversation, section: null });
    this.catchUp();
  }

  /** Begin a conversation under the first name that is free. */
  begin(name = ''): void {
    const taken = new Set(this.session?.chat.kernel?.conversations.map(conversation => conversation.name));
    let next = name || FIRST_CONVERSATION;
    for (let number = 2; name === '' && taken.has(next); number += 1) {
      next = `${FIRST_CONVERSATION}-${number}`;
    }
    this.choose(next);
  }

  async clear(conversation = this.view.get().conversation): Promise<void> {
    const { session } = this;
    await session?.request({ type: 'clear', conversation });
    session?.forget(conversation);
    this.catchUp();
  }

  async rename(conversation: string, to: string): Promise<void> {
    const { session } = this;
    await session?.request({ type: 'rename', conversation, to });
    if (this.view.get().conversation === conversation) {
      this.choose(to);
    }
    if (session) {
      await this.keeping.renamed(session, conversation, to); // last: a notebook may not take it
    }
  }

  async remove(conversation: string): Promise<void> {
    const { session } = this;
    if (session) {
      await session.request({ type: 'delete', conversation });
      session.forget(conversation);
      this.keeping.removed(session, conversation);
    }
    if (this.view.get().conversation === conversation) {
      this.choose(FIRST_CONVERSATION);
    }
  }

  /** Keep a conversation in the current notebook's file from now on, or no longer. */
  async keepInNotebook(conversation: string, kept: boolean): Promise<void> {
    const { session, situation } = this.view.get();
    if (situation.notebook && session) {
      await this.keeping.keep(situation.notebook, session, conversation, kept);
    }
  }

  private get session(): Session | null {
    return this.view.get().session;
  }

  private readonly chosen = new WeakMap<Session, string>();
}
