/**
 * The way to one kernel: opens a channel, greets, and knows at each moment whether the kernel listens.
 *
 * A restart disposes comms without a word, a channel may open late or never, and answers of an earlier attempt may
 * come in during a later one: each attempt has a number, and what belongs to another number is not heard. Nothing here
 * knows the page or JupyterLab.
 */
import {
  type IIncompatible,
  type KernelMessage,
  type PanelMessage,
  MAX_BYTES,
  PROTOCOL,
  fits,
  parseKernelMessage
} from './protocol';

/** An open channel. */
export interface IChannel {
  send(message: PanelMessage): void;
  dispose(): void;
}

export interface IListener {
  message(data: unknown): void;
  /** The kernel closed it, or knows no such channel. */
  closed(): void;
}

/** Opens channels to one kernel, with a first message; rejected when there is no kernel to open one to. */
export interface IPort {
  open(listener: IListener, first: PanelMessage): Promise<IChannel>;
}

/**
 * - `idle`: not asked for yet.
 * - `opening`: no answer yet; a kernel without subshells answers when its cell has ended.
 * - `ready`: the kernel listens.
 * - `missing`: the kernel knows no such channel: the extension is not loaded.
 * - `incompatible`: kernel and panel speak different versions.
 * - `restarting`, `disconnected`, `dead`: as the kernel is.
 */
export type Phase = 'idle' | 'opening' | 'ready' | 'missing' | 'incompatible' | 'restarting' | 'disconnected' | 'dead';

export interface IConnectionEvents {
  changed(phase: Phase): void;
  message(message: KernelMessage): void;
  /** Something was sent or received that should not be; it changed nothing. */
  warn(text: string): void;
}

/** What the kernel's process does, as far as it matters here. */
export type KernelLife = 'alive' | 'restarting' | 'disconnected' | 'dead';

export class Connection {
  constructor(
    private readonly port: IPort,
    private readonly version: string,
    private readonly events: IConnectionEvents
  ) {}

  get phase(): Phase {
    return this.current;
  }

  /** What to upgrade, when the phase is `incompatible`. */
  get mismatch(): IIncompatible | null {
    return this.incompatible;
  }

  /** Open a channel, unless one is open or being opened. */
  connect(): void {
    if (['idle', 'missing', 'incompatible'].includes(this.current)) {
      void this.open();
    }
  }

  /** Open a new channel in any case: the kernel's process is another one, or its socket was away. */
  reconnect(): void {
    void this.open();
  }

  /** The kernel's life changed; a kernel that lives again is greeted anew. */
  kernel(life: KernelLife): void {
    if (life !== 'alive') {
      this.drop();
      this.become(life);
    } else if (['restarting', 'disconnected', 'dead'].includes(this.current)) {
      void this.open();
    }
  }

  /** Send a message; false when the kernel does not listen or the message is too long. */
  send(message: PanelMessage): boolean {
    if (this.current !== 'ready' || !this.channel) {
      return false;
    }
    if (!fits(message)) {
      this.events.warn(`A message of more than ${MAX_BYTES} bytes was not sent.`);
      return false;
    }
    this.channel.send(message);
    return true;
  }

  dispose(): void {
    this.drop();
    this.current = 'idle';
  }

  private async open(): Promise<void> {
    this.drop();
    const attempt = this.attempt;
    this.become('opening');
    try {
      const listener = {
        message: (data: unknown) => attempt === this.attempt && this.hear(data),
        closed: () => attempt === this.attempt && this.closed()
      };
      const hello = { type: 'hello', protocol: PROTOCOL, client: 'labextension', version: this.version } as const;
      const channel = await this.port.open(listener, hello);
      if (attempt !== this.attempt) {
        channel.dispose();
        return;
      }
      this.channel = channel;
    } catch (error) {
      if (attempt === this.attempt) {
        this.events.warn(`No channel to the kernel: ${error}`);
        this.drop();
        this.become('disconnected');
      }
    }
  }

  private hear(data: unknown): void {
    const message = parseKernelMessage(data);
    if (!message) {
      this.events.warn('The kernel sent a message that this version does not understand.');
      return;
    }
    if (message.type === 'welcome' && this.current === 'opening') {
      this.events.message(message);
      this.become('ready');
    } else if (message.type === 'incompatible') {
      this.incompatible = message;
      this.drop();
      this.become('incompatible');
    } else if (this.current === 'ready') {
      this.events.message(message);
    } else {
      this.events.warn(`The kernel sent "${message.type}" before it said welcome.`);
    }
  }

  private closed(): void {
    if (this.current === 'ready') {
      void this.open(); // it may have been taken for a dead one; a kernel without the extension closes the new one too
      return;
    }
    this.drop();
    this.become('missing');
  }

  private drop(): void {
    this.attempt += 1;
    this.channel?.dispose();
    this.channel = null;
  }

  private become(phase: Phase): void {
    if (phase !== this.current) {
      this.current = phase;
      this.events.changed(phase);
    }
  }

  private current: Phase = 'idle';
  private channel: IChannel | null = null;
  private incompatible: IIncompatible | null = null;
  private attempt = 0;
}
