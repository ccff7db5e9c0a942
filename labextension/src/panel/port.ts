/**
 * Opens comms to a kernel, each on a subshell where the kernel has them, so that it is heard while a cell runs.
 */
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { IChannel, IListener, IPort } from '../chat/connection';
import { type PanelMessage, TARGET } from '../chat/protocol';

/** How long a subshell may take; then the comm is opened without one, and waits for the running cell. */
const SUBSHELL_MS = 5000;

/** What JupyterLab's comms have beyond their interface. */
interface ISubshellComm extends Kernel.IComm {
  readonly subshellStarted?: Promise<void>;
}

export class KernelPort implements IPort {
  /** @param find - a connection to the kernel that may have comms, or null when there is none. */
  constructor(private readonly find: () => Kernel.IKernelConnection | null) {}

  async open(listener: IListener): Promise<IChannel> {
    await pause(0); // a subshell that was just given back is gone before another one is asked for
    const kernel = this.find();
    if (!kernel) {
      throw new Error('there is no kernel');
    }
    await kernel.info; // whether it has subshells; without them nothing is lost by waiting for the running cell
    const comm = kernel.createComm(TARGET) as ISubshellComm;
    if (kernel.supportsSubshells) {
      await Promise.race([comm.subshellStarted, pause(SUBSHELL_MS)]);
    }
    comm.onMsg = message => listener.message(message.content.data);
    comm.onClose = () => listener.closed();
    comm.open({});
    return {
      send: (message: PanelMessage) => void comm.send(message as unknown as JSONObject),
      dispose: () => close(comm)
    };
  }
}

function close(comm: Kernel.IComm): void {
  try {
    if (!comm.isDisposed) {
      comm.close();
    }
  } catch {
    comm.dispose(); // the kernel is dead, and takes no goodbye
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => window.setTimeout(resolve, ms));
}
