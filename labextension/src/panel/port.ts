/**
 * Opens comms to a kernel, each on a subshell where the kernel has them, so that it is heard while a cell runs.
 */
import { type Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { IChannel, IListener, IPort } from '../chat/connection';
import { type PanelMessage, TARGET } from '../chat/protocol';

/** How long a subshell may take; then the comm is opened without one, and waits for the running cell. */
const SUBSHELL_MS = 5000;

const SUBSHELLS = 'kernel subshells';

/** What JupyterLab's comms have beyond their interface. */
interface ISubshellComm extends Kernel.IComm {
  readonly subshellStarted?: Promise<void>;
  readonly subshellId?: string | null;
}

/** The subshell of a comm. */
interface ISubshell {
  /** Undefined: the kernel has none, and what is sent waits for the running cell. */
  readonly id?: string;
  /** Made by us, and so ended by us: JupyterLab does not know it. */
  readonly ours: boolean;
}

export class KernelPort implements IPort {
  /** @param find - a connection to the kernel that may have comms, or null when there is none. */
  constructor(private readonly find: () => Kernel.IKernelConnection | null) {}

  async open(listener: IListener, first: PanelMessage): Promise<IChannel> {
    const kernel = this.find();
    if (!kernel) {
      throw new Error('there is no kernel');
    }
    const subshells = await features(kernel).then(have => have.includes(SUBSHELLS));
    const comm = kernel.createComm(TARGET) as ISubshellComm;
    const subshell = subshells ? await subshellOf(kernel, comm) : { ours: false };
    let closed = false;
    comm.onMsg = message => listener.message(message.content.data);
    comm.onClose = () => {
      closed = true;
      giveBack(kernel, subshell);
      listener.closed(); // and JupyterLab disposes of the comm
    };
    const tell = (type: 'comm_open' | 'comm_msg', content: PanelMessage): void =>
      void say(kernel, comm, subshell, type, content as unknown as JSONObject);
    tell('comm_open', first);
    return {
      send: message => tell('comm_msg', message),
      dispose: () => void (closed || close(kernel, comm, subshell))
    };
  }
}

/**
 * What the kernel can do. JupyterLab asks on the shell, where a running cell comes first; after the page is reloaded
 * that may be hours. The control channel answers at once.
 */
async function features(kernel: Kernel.IKernelConnection): Promise<readonly string[]> {
  const asked = KernelMessage.createMessage<KernelMessage.IInfoRequestMsg>({
    // The protocol has it on both channels (https://jupyter-client.readthedocs.io/en/latest/messaging.html), JupyterLab's
    // types on the shell only.
    ...{ msgType: 'kernel_info_request', channel: 'control' as 'shell' },
    ...{ username: kernel.username, session: kernel.clientId, content: {} }
  }) as unknown as KernelMessage.IControlMessage;
  const replied = kernel.sendControlMessage(asked as never, true, true).done.then(reply => infoOf(reply));
  const known = kernel.info.then(info => (info as IInfo).supported_features);
  return (await Promise.race([known, replied.catch(() => known)])) ?? [];
}

interface IInfo {
  readonly supported_features?: readonly string[];
}

function infoOf(reply: unknown): readonly string[] | undefined {
  return (reply as { content?: IInfo } | undefined)?.content?.supported_features;
}

/** JupyterLab's subshell of all comms with this target; where JupyterLab does not know yet that there are any, our own. */
async function subshellOf(kernel: Kernel.IKernelConnection, comm: ISubshellComm): Promise<ISubshell> {
  if (kernel.supportsSubshells) {
    await Promise.race([comm.subshellStarted, pause(SUBSHELL_MS)]);
    return { id: comm.subshellId ?? undefined, ours: false };
  }
  const asked = KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({
    msgType: 'create_subshell_request',
    channel: 'control',
    username: kernel.username,
    session: kernel.clientId,
    content: {}
  });
  const made = kernel.sendControlMessage(asked as never, true, true).done as Promise<unknown>;
  const reply = (await Promise.race([made, pause(SUBSHELL_MS)])) as { content?: { subshell_id?: string } } | undefined;
  const id = reply?.content?.subshell_id;
  return { id, ours: id !== undefined };
}

function say(
  kernel: Kernel.IKernelConnection,
  comm: ISubshellComm,
  subshell: ISubshell,
  type: 'comm_open' | 'comm_msg' | 'comm_close',
  data: JSONObject
): Promise<unknown> {
  const message = KernelMessage.createMessage<KernelMessage.ICommOpenMsg<'shell'>>({
    msgType: type as 'comm_open',
    channel: 'shell',
    username: kernel.username,
    session: kernel.clientId,
    subshellId: subshell.id,
    content: { comm_id: comm.commId, ...(type === 'comm_open' && { target_name: TARGET }), data } as never
  });
  return kernel.sendShellMessage(message, false, true).done;
}

/**
 * Say goodbye, and give the subshell back when the kernel has heard it: JupyterLab's `close` gives it back at once, and
 * the goodbye would come to a subshell that is gone.
 */
async function close(kernel: Kernel.IKernelConnection, comm: ISubshellComm, subshell: ISubshell): Promise<void> {
  if (!gone(kernel) && !comm.isDisposed) {
    try {
      await Promise.race([say(kernel, comm, subshell, 'comm_close', {}), pause(SUBSHELL_MS)]);
    } catch {
      // The kernel is on its way down, and takes no goodbye.
    }
  }
  if (!comm.isDisposed) {
    comm.dispose(); // twice would count twice that JupyterLab's subshell is not needed
  }
  giveBack(kernel, subshell);
}

/** End a subshell that we made. */
function giveBack(kernel: Kernel.IKernelConnection, subshell: ISubshell): void {
  if (subshell.ours && !gone(kernel)) {
    const deleted = KernelMessage.createMessage<KernelMessage.IDeleteSubshellRequestMsg>({
      msgType: 'delete_subshell_request',
      channel: 'control',
      username: kernel.username,
      session: kernel.clientId,
      content: { subshell_id: subshell.id ?? '' }
    });
    kernel.sendControlMessage(deleted as never, false, true).done.catch(() => undefined);
  }
}

function gone(kernel: Kernel.IKernelConnection): boolean {
  return kernel.isDisposed || ['dead', 'restarting', 'autorestarting'].includes(kernel.status);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => window.setTimeout(resolve, ms));
}
