/**
 * Opens comms to a kernel, each on a subshell where the kernel has them, so that it is heard while a cell runs.
 */
import { type Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { IChannel, IListener, IPort } from '../chat/connection';
import { type PanelMessage, TARGET } from '../chat/protocol';

/** How long a subshell may take; then the comm is opened without one, and waits for the running cell. */
const SUBSHELL_MS = 5000;

/** What JupyterLab's comms have beyond their interface. */
interface ISubshellComm extends Kernel.IComm {
  readonly subshellStarted?: Promise<void>;
  readonly subshellId?: string | null;
}

export class KernelPort implements IPort {
  /** @param find - a connection to the kernel that may have comms, or null when there is none. */
  constructor(private readonly find: () => Kernel.IKernelConnection | null) {}

  async open(listener: IListener, first: PanelMessage): Promise<IChannel> {
    const kernel = this.find();
    if (!kernel) {
      throw new Error('there is no kernel');
    }
    await kernel.info; // whether it has subshells; without them nothing is lost by waiting for the running cell
    const comm = kernel.createComm(TARGET) as ISubshellComm;
    if (kernel.supportsSubshells) {
      await Promise.race([comm.subshellStarted, pause(SUBSHELL_MS)]);
    }
    let closed = false;
    comm.onMsg = message => listener.message(message.content.data);
    comm.onClose = () => {
      closed = true;
      listener.closed();
    };
    comm.open(first as unknown as JSONObject);
    return {
      send: (message: PanelMessage) => void comm.send(message as unknown as JSONObject),
      dispose: () => void (closed ? comm.dispose() : close(kernel, comm))
    };
  }
}

/**
 * Say goodbye, and give the subshell back when the kernel has heard it: JupyterLab's `close` gives it back at once, and
 * the goodbye would come to a subshell that is gone.
 */
async function close(kernel: Kernel.IKernelConnection, comm: ISubshellComm): Promise<void> {
  const gone = ['dead', 'restarting', 'autorestarting'].includes(kernel.status);
  if (gone || comm.isDisposed || kernel.isDisposed) {
    comm.dispose();
    return;
  }
  const goodbye = KernelMessage.createMessage<KernelMessage.ICommCloseMsg<'shell'>>({
    msgType: 'comm_close',
    channel: 'shell',
    username: kernel.username,
    session: kernel.clientId,
    subshellId: comm.subshellId ?? undefined,
    content: { comm_id: comm.commId, data: {} }
  });
  try {
    await Promise.race([kernel.sendShellMessage(goodbye, false, true).done, pause(SUBSHELL_MS)]);
  } catch {
    // The kernel is on its way down, and takes no goodbye.
  }
  comm.dispose();
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => window.setTimeout(resolve, ms));
}
