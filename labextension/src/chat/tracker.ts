/**
 * Which notebook is current, which kernel it has, and what that kernel does.
 *
 * Written against the few things that it needs of JupyterLab's tracker, so that it can be tested without a page.
 */

export interface ISignal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

export interface IKernelLike {
  readonly id: string;
  readonly status: string;
  readonly connectionStatus: string;
  readonly isDisposed: boolean;
  readonly statusChanged: ISignal;
  readonly connectionStatusChanged: ISignal;
}

export interface INotebookLike<K extends IKernelLike> {
  readonly sessionContext: {
    readonly session: { readonly kernel: K | null } | null;
    readonly kernelChanged: ISignal;
    readonly statusChanged: ISignal;
    readonly connectionStatusChanged: ISignal;
  };
}

export interface INotebooks<N> {
  readonly currentWidget: N | null;
  readonly currentChanged: ISignal;
}

export interface ISituation<N, K> {
  readonly notebook: N | null;
  readonly kernel: K | null;
  readonly life: 'none' | 'alive' | 'restarting' | 'disconnected' | 'dead';
  readonly busy: boolean;
}

const NOTHING = { notebook: null, kernel: null, life: 'none', busy: false } as const;

export class Tracker<K extends IKernelLike, N extends INotebookLike<K>> {
  constructor(
    private readonly notebooks: INotebooks<N>,
    private readonly changed: (now: ISituation<N, K>) => void
  ) {
    notebooks.currentChanged.connect(this.follow);
    this.follow();
  }

  /** How things stand. */
  get now(): ISituation<N, K> {
    return this.situation;
  }

  dispose(): void {
    this.notebooks.currentChanged.disconnect(this.follow);
    this.unfollow();
  }

  private readonly follow = (): void => {
    const notebook = this.notebooks.currentWidget;
    if (notebook !== this.followed) {
      this.unfollow();
      this.followed = notebook;
      this.signals().forEach(signal => signal.connect(this.look));
    }
    this.look();
  };

  private unfollow(): void {
    this.signals().forEach(signal => signal.disconnect(this.look));
    this.followed = null;
  }

  private signals(): ISignal[] {
    const context = this.followed?.sessionContext;
    return context ? [context.kernelChanged, context.statusChanged, context.connectionStatusChanged] : [];
  }

  private readonly look = (): void => {
    const notebook = this.followed;
    const kernel = notebook?.sessionContext.session?.kernel ?? null;
    const busy = kernel?.status === 'busy';
    const next: ISituation<N, K> = notebook ? { notebook, kernel, life: lifeOf(kernel), busy } : NOTHING;
    const { life } = this.situation;
    if (
      next.notebook !== this.situation.notebook ||
      next.kernel !== this.situation.kernel ||
      next.life !== life ||
      next.busy !== this.situation.busy
    ) {
      this.situation = next;
      this.changed(next);
    }
  };

  private situation: ISituation<N, K> = NOTHING;
  private followed: N | null = null;
}

export function lifeOf(kernel: IKernelLike | null): ISituation<unknown, unknown>['life'] {
  if (!kernel || kernel.isDisposed) {
    return 'none';
  }
  switch (kernel.status) {
    case 'dead':
    case 'terminating':
      return 'dead';
    case 'restarting':
    case 'autorestarting':
      return 'restarting';
    default:
      return kernel.connectionStatus === 'connected' ? 'alive' : 'disconnected';
  }
}
