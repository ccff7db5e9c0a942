/**
 * Opens comms to a kernel, each on a subshell where the kernel has them, so that it is heard while a cell runs.
 */
import { type Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { IChannel, IListener, IPort } from '../chat/connection';
import { type PanelMessage, TARGET } from '../chat/protocol';

/** How long a goodbye may take. */
const GOODBYE_MS = 5000;

/** How often, and each time for how long, the control channel is asked; JupyterLab sends nothing in the first seconds. */
const ATTEMPTS = 20;
const ATTEMPT_MS = 1500;
const PAUSE_MS = 300;

const SUBSHELLS = 'kernel subshells';

export class KernelPort implements IPort {
  /** @param find - a connection to the kernel that may have comms, or null when there is none. */
  constructor(private readonly find: () => Kernel.IKernelConnection | null) {}

  async open(listener: IListener, first: PanelMessage): Promise<IChannel> {
    const kernel = this.find();
    if (!kernel) {
      throw new Error('there is no kernel');
    }
    const subshells = await features(kernel).then(have => have.includes(SUBSHELLS));
    const subshell = subshells ? await newSubshell(kernel) : undefined;
    const comm = kernel.createComm(TARGET);
    // JupyterLab makes one too, but only once its own question was answered, and on some connections never.
    (comm as { commsOverSubshells?: string }).commsOverSubshells = 'disabled';
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
  let known = false;
  const told = kernel.info.then(info => {
    known = true;
    return info as IInfo;
  });
  const info = await Promise.race([told, askedOnControl(kernel, () => known).then(reply => reply ?? told)]);
  return info.supported_features ?? [];
}

interface IInfo {
  readonly supported_features?: readonly string[];
}

/**
 * Ask until the reply is here, and with it the word that the kernel is done: the first comes on the control channel, the
 * second on that of all outputs, which may be connected later, and then what the comm says would be lost.
 */
async function askedOnControl(kernel: Kernel.IKernelConnection, known: () => boolean): Promise<IInfo | null> {
  for (let attempt = 0; attempt < ATTEMPTS && !known() && !gone(kernel); attempt += 1) {
    const reply = await control(kernel, 'kernel_info_request', {}, ATTEMPT_MS);
    if (reply) {
      return reply as IInfo;
    }
    await pause(PAUSE_MS); // a connection that is being made takes no message at all
  }
  return null;
}

/** A request on the control channel; null when there was no reply, or none in time. */
async function control(
  kernel: Kernel.IKernelConnection,
  msgType: 'kernel_info_request' | 'create_subshell_request' | 'delete_subshell_request',
  content: JSONObject,
  patienceMs?: number
): Promise<unknown> {
  // The protocol has the first on both channels (https://jupyter-client.readthedocs.io/en/latest/messaging.html),
  // JupyterLab's types have it on the shell only.
  const { username, clientId: session } = kernel;
  const type = msgType as 'create_subshell_request';
  const message = KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({
    ...{ msgType: type, channel: 'control', username, session, content: content as Record<string, never> }
  });
  let future: Kernel.IControlFuture | null = null;
  try {
    future = kernel.sendControlMessage(message, true, true);
    const reply = await (patienceMs === undefined ? future.done : Promise.race([future.done, pause(patienceMs)]));
    return reply ? reply.content : null;
  } catch {
    return null; // the kernel is on its way down
  } finally {
    future?.dispose();
  }
}

/** However long it takes: what holds up the kernel's control thread holds up a comm without a subshell far longer. */
async function newSubshell(kernel: Kernel.IKernelConnection): Promise<string | undefined> {
  const made = (await control(kernel, 'create_subshell_request', {})) as { subshell_id?: string } | null;
  return made?.subshell_id;
}

function say(
  kernel: Kernel.IKernelConnection,
  comm: Kernel.IComm,
  subshell: string | undefined,
  type: 'comm_open' | 'comm_msg' | 'comm_close',
  data: JSONObject
): Promise<unknown> {
  const message = KernelMessage.createMessage<KernelMessage.ICommOpenMsg<'shell'>>({
    msgType: type as 'comm_open',
    channel: 'shell',
    username: kernel.username,
    session: kernel.clientId,
    subshellId: subshell,
    content: { comm_id: comm.commId, ...(type === 'comm_open' && { target_name: TARGET }), data } as never
  });
  return kernel.sendShellMessage(message, false, true).done;
}

/** Say goodbye, and give the subshell back when the kernel has heard it. */
async function close(
  kernel: Kernel.IKernelConnection,
  comm: Kernel.IComm,
  subshell: string | undefined
): Promise<void> {
  if (!gone(kernel) && !comm.isDisposed) {
    try {
      await Promise.race([say(kernel, comm, subshell, 'comm_close', {}), pause(GOODBYE_MS)]);
    } catch {
      // The kernel is on its way down, and takes no goodbye.
    }
  }
  if (!comm.isDisposed) {
    comm.dispose();
  }
  giveBack(kernel, subshell);
}

function giveBack(kernel: Kernel.IKernelConnection, subshell: string | undefined): void {
  if (subshell !== undefined && !gone(kernel)) {
    void control(kernel, 'delete_subshell_request', { subshell_id: subshell }, GOODBYE_MS);
  }
}

function gone(kernel: Kernel.IKernelConnection): boolean {
  return kernel.isDisposed || ['dead', 'restarting', 'autorestarting'].includes(kernel.status);
}

function pause(ms: number): Promise<null> {
  return new Promise(resolve => window.setTimeout(() => resolve(null), ms));
}
