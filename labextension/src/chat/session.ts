/**
 * The chat with one kernel: its connection, what is known of it, and requests that wait for their reply.
 */
import { type Translations, translations } from '../i18n';
import { Connection, type IPort, type Phase } from './connection';
import type { Values } from './checks';
import type { Attachment, IIncompatible, KernelMessage, PanelMessage, Request, Task } from './protocol';
import { asOpened } from './replies';
import { type IChat, type ITold, EMPTY, isBehind, lost, opened, otherTurns, received, sent, toldOf } from './state';
import { Store } from './store';

export interface ISessionView {
  readonly phase: Phase;
  readonly mismatch: IIncompatible | null;
  readonly chat: IChat;
  /** What the kernel refused, where no turn can show it. */
  readonly notice: string;
}

/** An error of the kernel or the connection, with what to do about it. */
export class RequestError extends Error {
  constructor(
    readonly code: string,
    text: string,
    readonly hint = ''
  ) {
    super(text);
  }
}

interface IPending {
  resolve(value: unknown): void;
  reject(error: RequestError): void;
}

export class Session {
  /**
   * @param port - opens channels to the kernel.
   * @param version - of this package.
   * @param finished - told when an answer is whole, and, without a request, when a conversation has other turns.
   */
  constructor(
    port: IPort,
    version: string,
    private readonly finished: (conversation: string, request: string | null) => void = () => undefined,
    readonly trans: Translations = translations()
  ) {
    this.connection = new Connection(port, version, {
      changed: phase => this.phaseChanged(phase),
      message: message => this.hear(message),
      warn: text => console.warn(`jupyter-localllm: ${text}`)
    });
  }

  readonly view = new Store<ISessionView>({ phase: 'idle', mismatch: null, chat: EMPTY, notice: '' });

  readonly connection: Connection;

  get chat(): IChat {
    return this.view.get().chat;
  }

  /** Ask; the answer comes into the turns of the conversation. Returns the request's id, or null if it was not sent. */
  ask(conversation: string, text: string, attachments: readonly Attachment[], task: Task, options: Values = {}) {
    const message = { type: 'ask', request: newId(), conversation, text, attachments, options, task } as const;
    if (!this.connection.send(message)) {
      if (this.connection.phase === 'ready') {
        const [text, hint] = [
          this.trans.__('The question is too long, with what is attached.'),
          this.trans.__('Attach less.')
        ];
        this.tell(new RequestError('too_large', text, hint));
      }
      return null;
    }
    this.setChat(sent(this.chat, message));
    return message.request;
  }

  stop(request: string): void {
    this.connection.send({ type: 'stop', request });
  }

  /** Ask for something that is answered by one `reply`; rejected with a `RequestError`. */
  request(message: Request, id = newId()): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      if (!this.connection.send({ ...message, request: id } as PanelMessage)) {
        this.pending.delete(id);
        reject(new RequestError('not sent', this.trans.__('The kernel did not take the message.')));
      }
    });
  }

  /** Have the turns of a conversation, as the kernel keeps them. */
  async open(conversation: string): Promise<void> {
    const told = toldOf(this.chat, conversation);
    this.askedAt.set(conversation, told);
    if (told.turns === 0) {
      // What is being answered was told after the welcome.
      return this.setChat(opened(this.chat, conversation, []));
    }
    const value = asOpened(await this.request({ type: 'open', conversation }));
    this.setChat(opened(this.chat, conversation, value.turns, value.omitted, told.edits));
  }

  /** Have what the kernel has and this panel not, if anything; a cell may have added a turn. */
  catchUp(conversation: string): void {
    const told = toldOf(this.chat, conversation);
    const asked = this.askedAt.get(conversation);
    const other = asked && (asked.turns !== told.turns || asked.edits !== told.edits);
    const forgotten = !this.chat.turns.has(conversation); // a state said that it was gone; a later one has it again
    if (asked === undefined || (isBehind(this.chat, conversation) && (other || forgotten))) {
      this.open(conversation).catch(error => this.tell(error));
    }
  }

  /** The next opening asks the kernel in any case; what is shown stays until then. */
  refresh(conversation: string): void {
    this.askedAt.delete(conversation);
  }

  /** The same, and nothing of it is shown any more. */
  forget(conversation: string): void {
    this.refresh(conversation);
    const turns = new Map(this.chat.turns);
    turns.delete(conversation);
    this.setChat({ ...this.chat, turns });
  }

  tell(error: unknown): void {
    const { message, hint } = error as Partial<RequestError>;
    this.view.update({ notice: [message ?? String(error), hint].filter(Boolean).join(' ') });
  }

  clearNotice(): void {
    this.view.update({ notice: '' });
  }

  dispose(): void {
    this.connection.dispose();
    this.rejectAll(this.trans.__('The panel was closed.'));
  }

  private phaseChanged(phase: Phase): void {
    const chat = phase === 'ready' ? this.chat : lost(this.chat);
    if (phase !== 'ready') {
      this.askedAt.clear();
      this.rejectAll(this.trans.__('The connection to the kernel ended before it answered.'));
    }
    this.view.update({ phase, chat, mismatch: this.connection.mismatch, notice: '' });
  }

  private hear(message: KernelMessage): void {
    if (message.type === 'reply' || message.type === 'refused' || message.type === 'failed') {
      this.settle(message);
    }
    const before = this.chat;
    this.setChat(received(before, message));
    if (message.type === 'answer' && message.final) {
      this.finished(message.conversation, message.request);
    } else if (message.type === 'state') {
      otherTurns(before, this.chat).forEach(name => this.finished(name, null));
    }
  }

  private settle(message: Extract<KernelMessage, { type: 'reply' | 'refused' | 'failed' }>): void {
    const pending = this.pending.get(message.request ?? '');
    this.pending.delete(message.request ?? '');
    if (message.type === 'reply') {
      pending?.resolve(message.value);
      return;
    }
    const code = message.type === 'refused' ? message.code : message.name;
    const error = new RequestError(code, message.text, message.hint);
    if (pending) {
      pending.reject(error);
    } else if (message.type === 'refused' && !this.isTurn(message.request)) {
      this.tell(error);
    }
  }

  private isTurn(request: string | null): boolean {
    return [...this.chat.turns.values()].some(turns => turns.some(turn => turn.request === request));
  }

  private setChat(chat: IChat): void {
    if (chat !== this.chat) {
      this.view.update({ chat });
    }
  }

  private rejectAll(text: string): void {
    const error = new RequestError('gone', text);
    [...this.pending.values()].forEach(pending => pending.reject(error));
    this.pending.clear();
  }

  private readonly pending = new Map<string, IPending>();
  /** What the kernel told of each conversation when its turns were asked for last. */
  private readonly askedAt = new Map<string, ITold>();
}

const PANEL = Math.random().toString(36).slice(2, 10).padEnd(8, '0');
let count = 0;

/** Unique among the panels of a kernel: a random part for this page, and a number. */
export function newId(): string {
  return `${PANEL}-${++count}`;
}
