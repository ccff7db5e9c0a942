/**
 * One session for each kernel, however many notebooks look at it, for as long as one does.
 */
import type { Kernel, KernelMessage } from '@jupyterlab/services';

import { Session } from '../chat/session';
import { lifeOf } from '../chat/tracker';
import type { Translations } from '../i18n';
import { KernelPort } from './port';

interface IEntry {
  readonly session: Session;
  /** What is observed, each with what ends that. */
  readonly connections: Map<Kernel.IKernelConnection, () => void>;
  /** Executions that may be loading the extension. */
  readonly loaders: Set<string>;
  /** Our own connection, when those of the notebooks may have no comms. */
  clone: Kernel.IKernelConnection | null;
  /** Which process of the kernel was heard last; another one is a restart, whoever asked for it. */
  process: string;
}

const MENTION = /jupyter_localllm/;

/** Messages that only the kernel itself sends; the server sends some in its own name. */
const OWN_MESSAGES = new Set(['execute_input', 'comm_msg', 'comm_open', 'stream', 'execute_result', 'display_data']);

export class Kernels {
  constructor(
    private readonly version: string,
    private readonly finished: (session: Session, conversation: string, request: string | null) => void,
    private readonly trans: Translations
  ) {}

  /** The session of a kernel; it is made, and observed from now on, when there is none. */
  session(kernel: Kernel.IKernelConnection): Session {
    const entry = this.entries.get(kernel.id) ?? this.make(kernel.id);
    if (!entry.connections.has(kernel)) {
      this.observe(entry, kernel);
    }
    return entry.session;
  }

  /** Whether a session is that of a kernel. */
  isOf(kernel: Kernel.IKernelConnection | null | undefined, session: Session): boolean {
    return kernel !== null && kernel !== undefined && this.entries.get(kernel.id)?.session === session;
  }

  /** The session of a kernel, if there is one. */
  find(id: string): Session | null {
    return this.entries.get(id)?.session ?? null;
  }

  dispose(): void {
    [...this.entries.keys()].forEach(id => this.remove(id));
  }

  private make(id: string): IEntry {
    const port = new KernelPort(() => this.pick(id));
    const session: Session = new Session(
      port,
      this.version,
      (name, request) => this.finished(session, name, request),
      this.trans
    );
    const entry: IEntry = { session, connections: new Map(), loaders: new Set(), clone: null, process: '' };
    this.entries.set(id, entry);
    return entry;
  }

  private observe(entry: IEntry, kernel: Kernel.IKernelConnection): void {
    const live = (): void => {
      const life = lifeOf(kernel);
      if (life !== 'none') {
        entry.session.connection.kernel(life);
      }
      if (life === 'restarting') {
        this.dropClone(entry);
      }
    };
    kernel.statusChanged.connect(live);
    kernel.connectionStatusChanged.connect(live);
    const heard = (_: unknown, message: KernelMessage.IIOPubMessage): void => {
      this.noteProcess(entry, message);
      noteLoading(entry, message);
    };
    const left = (): void => this.leave(entry, kernel);
    kernel.iopubMessage.connect(heard);
    kernel.disposed.connect(left);
    entry.connections.set(kernel, () => {
      kernel.statusChanged.disconnect(live);
      kernel.connectionStatusChanged.disconnect(live);
      kernel.iopubMessage.disconnect(heard);
      kernel.disposed.disconnect(left);
    });
    live();
  }

  private noteProcess(entry: IEntry, message: KernelMessage.IIOPubMessage): void {
    const { msg_type: type, session: process } = message.header;
    if (!OWN_MESSAGES.has(type) || process === entry.process) {
      return;
    }
    const first = entry.process === '';
    entry.process = process;
    if (!first && entry.session.connection.phase === 'ready') {
      this.dropClone(entry);
      entry.session.connection.reconnect();
    }
  }

  private leave(entry: IEntry, kernel: Kernel.IKernelConnection): void {
    entry.connections.get(kernel)?.();
    entry.connections.delete(kernel);
    if (entry.connections.size === 0) {
      this.remove(kernel.id);
    } else if (kernel.handleComms && entry.session.connection.phase !== 'idle') {
      entry.session.connection.reconnect();
    }
  }

  /** A notebook's own connection knows the kernel already, even while it is busy; only one of them may have comms. */
  private pick(id: string): Kernel.IKernelConnection | null {
    const entry = this.entries.get(id);
    const [first, ...others] = [...(entry?.connections.keys() ?? [])].filter(kernel => !kernel.isDisposed);
    if (!entry || !first) {
      return null;
    }
    const able = [first, ...others].find(kernel => kernel.handleComms);
    if (able) {
      return able;
    }
    entry.clone ??= first.clone({ handleComms: true });
    return entry.clone;
  }

  private dropClone(entry: IEntry): void {
    entry.clone?.dispose();
    entry.clone = null;
  }

  private remove(id: string): void {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    if (entry) {
      entry.connections.forEach(unobserve => unobserve());
      entry.session.dispose();
      this.dropClone(entry);
    }
  }

  private readonly entries = new Map<string, IEntry>();
}

/** A cell that names the package may have loaded it: the kernel is asked again when that cell has ended. */
function noteLoading({ session: { connection }, loaders }: IEntry, message: KernelMessage.IIOPubMessage): void {
  const execution = (message.parent_header as { msg_id?: string }).msg_id ?? '';
  const { code, execution_state: state } = message.content as { code?: unknown; execution_state?: unknown };
  if (message.header.msg_type === 'execute_input' && MENTION.test(String(code))) {
    loaders.add(execution);
  } else if (state === 'idle' && loaders.delete(execution)) {
    if (connection.phase === 'missing' || connection.phase === 'opening') {
      connection.reconnect();
    }
  }
}
