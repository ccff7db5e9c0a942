/**
 * What the panel shows and does: the current notebook, the session of its kernel, and the draft of a question.
 */
import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

import type { Attachment, Task } from '../chat/protocol';
import type { Session } from '../chat/session';
import { type ITurn, isRunning } from '../chat/state';
import { Store } from '../chat/store';
import { Tracker } from '../chat/tracker';
import type { Translations } from '../i18n';
import { Draft } from './draft';
import { Keeping } from './keeping';
import { Kernels } from './kernels';
import { errorAttachment, failedCell } from './notebook';
import { Talks } from './talks';
import { type IPanelSettings, type IPanelView, type Section, NOTHING } from './view';

const LOAD = '%load_ext jupyter_localllm';

export class Controller {
  constructor(
    readonly notebooks: INotebookTracker,
    version: string,
    readonly trans: Translations
  ) {
    this.kernels = new Kernels(version, (session, name, request) => this.finished(session, name, request), trans);
    this.keeping = new Keeping(
      notebooks,
      (panel, session) => this.kernels.isOf(panel.sessionContext.session?.kernel, session),
      () => this.view.update({ notebookChange: this.view.get().notebookChange + 1 })
    );
    this.talks = new Talks(this.view, this.keeping);
    this.tracker = new Tracker<Kernel.IKernelConnection, NotebookPanel>(notebooks, now => this.follow(now));
  }

  readonly view = new Store<IPanelView>(NOTHING);

  readonly draft = new Draft(this.view);

  readonly talks: Talks;

  get session(): Session | null {
    return this.view.get().session;
  }

  get notebook(): NotebookPanel | null {
    return this.view.get().situation.notebook;
  }

  /** The session of a kernel that is listened to already; ghost text asks for no other. */
  readySession(kernelId: string): Session | null {
    const session = this.kernels.find(kernelId);
    return session?.connection.phase === 'ready' ? session : null;
  }

  /** Follow the kernels from now on: the panel is seen, or something was asked for. */
  start(): void {
    this.started = true;
    this.session?.connection.connect();
    this.maybeLoad();
  }

  configure(settings: Partial<IPanelSettings>): void {
    this.view.update({ settings: { ...this.view.get().settings, ...settings } });
  }

  // -- asking -----------------------------------------------------------------------------------------------------------

  /** Send the draft with what is attached. */
  send(): boolean {
    const { draft, chips } = this.view.get();
    if (draft.trim() === '' || !this.ask(draft.trim(), chips, 'chat')) {
      return false;
    }
    this.view.update({ draft: '', chips: [] });
    return true;
  }

  ask(text: string, attachments: readonly Attachment[], task: Task): string | null {
    const { session, conversation } = this.view.get();
    const request = session?.ask(conversation, text, attachments, task) ?? null;
    if (request && this.notebook) {
      const asked = this.askedIn.get(this.notebook) ?? new Set<string>();
      this.askedIn.set(this.notebook, asked.add(request));
    }
    return request;
  }

  /**
   * Explain or fix a failed cell; the current one or the last that failed when none is named. In a kernel that does not
   * listen yet it is done when it does, as after the extension was loaded.
   */
  async help(
    task: 'explain' | 'fix',
    cell: Cell | null = this.notebook && failedCell(this.notebook)
  ): Promise<boolean> {
    const error = cell && errorAttachment(cell);
    if (!cell || !error) {
      return false;
    }
    if (!(await this.ready())) {
      this.wanted = this.session && { task, cell, session: this.session };
      return this.wanted !== null;
    }
    const text = task === 'fix' ? this.trans.__('Fix this cell.') : this.trans.__('Explain this error.');
    const request = this.ask(text, [error], task);
    if (request) {
      this.fixes.set(request, cell.model.id);
    }
    return request !== null;
  }

  /** Begin a conversation, and write in it. */
  begin(name = ''): void {
    this.talks.begin(name);
    this.draft.focus();
  }

  show(section: Section | null): void {
    this.view.update({ section });
  }

  /** The id of the cell that a fix was asked for, if it was asked for here. */
  cellOf(request: string): string | undefined {
    return this.fixes.get(request);
  }

  /** Stop what is being written in the conversation, or else in the whole panel. */
  stop(): void {
    const { session, conversation } = this.view.get();
    const turns = session?.chat.turns;
    const here = (turns?.get(conversation) ?? []).filter(isRunning);
    const all = [...(turns?.values() ?? [])].flat().filter(isRunning);
    (here.length > 0 ? here : all).forEach(turn => session?.stop(turn.request));
  }

  /** The same question again. */
  again(turn: ITurn): void {
    this.ask(turn.question, turn.attachments, turn.task);
  }

  // -- the kernel -----------------------------------------------------------------------------------------------------------

  /** Run `%load_ext` in the kernel, and listen; told as a notice when it fails. */
  async load(): Promise<void> {
    const { kernel } = this.view.get().situation;
    const session = this.session;
    if (!kernel || !session) {
      return;
    }
    this.view.update({ loading: true });
    try {
      const reply = await kernel.requestExecute({ code: LOAD, store_history: false }).done;
      if (reply.content.status === 'error') {
        throw new Error(`${reply.content.ename}: ${reply.content.evalue}`);
      }
      session.connection.connect();
    } catch (error) {
      session.tell(error);
    } finally {
      this.view.update({ loading: false });
    }
  }

  /** Whether the kernel listens, waiting a little for a connection that is being made. */
  async ready(ms = 5000): Promise<boolean> {
    this.start();
    const { session } = this;
    if (!session || session.connection.phase === 'ready') {
      return session !== null;
    }
    return new Promise(resolve => {
      const done = (): void => {
        if (session.connection.phase !== 'opening') {
          finish();
        }
      };
      const finish = (): void => {
        unsubscribe();
        window.clearTimeout(timer);
        resolve(session.connection.phase === 'ready');
      };
      const unsubscribe = session.view.subscribe(done);
      const timer = window.setTimeout(finish, ms);
      done();
    });
  }

  dispose(): void {
    this.unwatch();
    this.tracker.dispose();
    this.kernels.dispose();
  }

  private follow(situation: IPanelView['situation']): void {
    const { kernel } = situation;
    const session = kernel && situation.life !== 'none' ? this.kernels.session(kernel) : null;
    const before = this.view.get();
    this.view.update({ situation, session });
    if (session !== before.session) {
      this.unwatch();
      this.wanted = null;
      this.unwatch = session?.view.subscribe(() => this.sessionChanged(session)) ?? (() => undefined);
      this.chips.set(before.session ?? this, before.chips); // they are of that kernel
      this.view.update({ conversation: this.talks.of(session), chips: this.chips.get(session ?? this) ?? [] });
      if (before.session === null && situation.notebook === before.situation.notebook) {
        this.chips.delete(this);
        this.draft.attach(...before.chips); // before its kernel was there
      }
    }
    if (session && this.started) {
      if (session.connection.phase === 'idle') {
        session.connection.connect();
      }
      this.sessionChanged(session);
    }
    if (session?.connection.phase === 'ready') {
      this.restore(session);
    }
  }

  private sessionChanged(session: Session): void {
    const { phase } = session.connection;
    if (phase !== this.phases.get(session)) {
      this.phases.set(session, phase);
      if (phase === 'ready') {
        this.view.update({ conversation: this.talks.of(session) });
        this.keeping.begin(session);
        this.restore(session);
        this.goOn(session);
      } else if (phase === 'missing') {
        this.maybeLoad();
      } else if (phase !== 'opening') {
        this.wanted = null; // another process: its variables are not those of the error
      }
    }
    if (phase === 'ready') {
      this.talks.catchUp();
    }
  }

  /** What was pressed before the kernel listened. */
  private goOn(session: Session): void {
    const { wanted } = this;
    this.wanted = null;
    if (wanted?.session === session && !wanted.cell.isDisposed) {
      this.help(wanted.task, wanted.cell).catch(error => session.tell(error));
    }
  }

  private maybeLoad(): void {
    const { settings, situation, loading } = this.view.get();
    const missing = this.session?.connection.phase === 'missing';
    if (this.started && settings.loadExtension && missing && !loading && situation.life === 'alive') {
      void isPython(situation.kernel).then(python => (python ? this.load() : undefined));
    }
  }

  private restore(session: Session): void {
    this.keeping.restore(session).then(
      () => this.talks.catchUp(),
      error => session.tell(error)
    );
  }

  private finished(session: Session, conversation: string, request: string | null): void {
    const isLed = (panel: NotebookPanel): boolean => this.askedIn.get(panel)?.delete(request ?? '') ?? false;
    const led = this.notebooks.find(isLed);
    const { settings } = this.view.get();
    this.keeping.soon(session, conversation, settings.keepInNotebook ? led : null);
  }

  private readonly kernels: Kernels;
  private readonly tracker: Tracker<Kernel.IKernelConnection, NotebookPanel>;
  private readonly phases = new WeakMap<Session, string>();
  private readonly fixes = new Map<string, string>();
  /** The questions that were asked while a notebook was in front; they go with it. */
  private readonly askedIn = new WeakMap<NotebookPanel, Set<string>>();
  /** What is attached, for each kernel; under the controller itself what was attached without one. */
  private readonly chips = new WeakMap<object, IPanelView['chips']>();
  private readonly keeping: Keeping;
  private wanted: { readonly task: 'explain' | 'fix'; readonly cell: Cell; readonly session: Session } | null = null;
  private unwatch: () => void = () => undefined;
  private started = false;
}

export async function isPython(kernel: Kernel.IKernelConnection | null): Promise<boolean> {
  return (await kernel?.info)?.language_info.name.toLowerCase() === 'python';
}
