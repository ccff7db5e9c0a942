/**
 * The messages between the panel and the kernel, and how each one from the kernel is looked at before it is believed.
 *
 * The words are those of docs/protocol.md; the kernel's half stands in `jupyter_localllm/chat/protocol.py`, and both
 * are tested with the samples in `tests/protocol.json`. Nothing here knows the page.
 */
import {
  type Check,
  type Values,
  aBoolean,
  aList,
  aNumber,
  anInteger,
  anObject,
  aString,
  oneOf,
  orNull,
  shape
} from './checks';

export const TARGET = 'jupyter_localllm.chat';
export const PROTOCOL = 1;

/** No message may be longer, in bytes of JSON. */
export const MAX_BYTES = 1_000_000;

export type Task = 'chat' | 'explain' | 'fix';

export type Attachment =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'cell'; readonly id: string; readonly source: string; readonly outputs: string }
  | {
      readonly kind: 'error';
      readonly source: string;
      readonly traceback: string;
      readonly variables: readonly string[];
    };

export interface IAsk {
  readonly type: 'ask';
  readonly request: string;
  readonly conversation: string;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly options?: Values;
  readonly task?: Task;
}

interface INamed {
  readonly request: string;
  readonly conversation: string;
}

export type PanelMessage =
  | { readonly type: 'hello'; readonly protocol: number; readonly client: 'labextension'; readonly version: string }
  | IAsk
  | { readonly type: 'stop'; readonly request: string }
  | { readonly type: 'variables'; readonly request: string; readonly prefix: string; readonly limit: number }
  | { readonly type: 'models' | 'unload'; readonly request: string }
  | { readonly type: 'use'; readonly request: string; readonly model: string }
  | { readonly type: 'configure'; readonly request: string; readonly values: Values }
  | (INamed & { readonly type: 'open' | 'delete' | 'clear' })
  | (INamed & { readonly type: 'rename'; readonly to: string })
  | (INamed & { readonly type: 'keep'; readonly kept: boolean })
  | (INamed & { readonly type: 'export'; readonly format: 'markdown' | 'json' })
  | { readonly type: 'restore'; readonly request: string; readonly document: Values }
  | {
      readonly type: 'complete';
      readonly request: string;
      readonly before: string;
      readonly after: string;
      readonly language: string;
    };

/** A message without the id that the session gives it. */
export type Request = PanelMessage extends infer M
  ? M extends { readonly type: 'hello' | 'stop' }
    ? never
    : M extends { readonly request: string }
      ? Omit<M, 'request'>
      : never
  : never;

export interface IModelState {
  readonly name: string;
  readonly state: 'absent' | 'loading' | 'loaded' | 'failed';
  readonly progress: number | null;
  readonly memory_bytes: number | null;
  readonly window: number | null;
  readonly used: number | null;
  readonly text: string;
}

export interface IQueued {
  readonly request: string;
  readonly conversation: string | null;
  readonly kind: 'ask' | 'use' | 'complete' | 'cell';
  readonly state: 'queued' | 'loading' | 'reading' | 'writing';
  readonly waits_for: string | null;
  readonly text: string;
}

export interface IConversation {
  readonly name: string;
  readonly turns: number;
  readonly kept: boolean;
  readonly latest: boolean;
  /** How often turns became others, as when a cell is run again. */
  readonly edits: number;
}

/** How things stand in the kernel. */
export interface IKernelState {
  readonly model: IModelState;
  readonly queue: readonly IQueued[];
  readonly conversations: readonly IConversation[];
  readonly settings: Values;
}

export interface IWelcome extends IKernelState {
  readonly type: 'welcome';
  readonly protocol: number;
  readonly version: string;
  readonly subshells: boolean;
}

export interface IIncompatible {
  readonly type: 'incompatible';
  readonly protocol: number;
  readonly version: string;
  readonly upgrade: 'kernel' | 'labextension';
  readonly text: string;
}

export interface IRefused {
  readonly type: 'refused';
  readonly request: string | null;
  readonly code: string;
  readonly text: string;
  readonly hint: string;
}

export interface IAsked extends INamed {
  readonly type: 'asked';
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly task: Task;
}

export interface IAnswerMessage extends INamed {
  readonly type: 'answer';
  readonly sequence: number;
  readonly data: Values;
  readonly metadata: Values;
  readonly final: boolean;
  /** At the end of the task `fix`: the whole corrected cell. */
  readonly fix: string | null;
}

export interface IFailed {
  readonly type: 'failed';
  readonly request: string;
  /** Null when it was about no conversation. */
  readonly conversation: string | null;
  readonly name: string;
  readonly text: string;
  readonly hint: string;
}

export interface IReply {
  readonly type: 'reply';
  readonly request: string;
  readonly value: unknown;
}

export type KernelMessage =
  | IWelcome
  | IIncompatible
  | IRefused
  | ({ readonly type: 'state' } & IKernelState)
  | IAsked
  | IAnswerMessage
  | IFailed
  | IReply;

/**
 * Read a message of the kernel.
 *
 * @returns the message, or null when a field is missing, of a wrong type or out of range, or the type is unknown.
 *   Fields that are not known are left as they are: a version may grow.
 */
export function parseKernelMessage(data: unknown): KernelMessage | null {
  const check = isValues(data) && typeof data.type === 'string' ? MESSAGES.get(data.type) : undefined;
  return check?.(data) === true ? (data as unknown as KernelMessage) : null;
}

/** Whether the kernel may take a message of this length. */
export function fits(message: PanelMessage): boolean {
  return new TextEncoder().encode(JSON.stringify(message)).length <= MAX_BYTES;
}

export function isAttachment(value: unknown): value is Attachment {
  const check = isValues(value) && typeof value.kind === 'string' ? ATTACHMENTS.get(value.kind) : undefined;
  return check?.(value) === true;
}

function isValues(value: unknown): value is Values {
  return anObject(value);
}

const ATTACHMENTS = new Map<string, Check>([
  ['variable', shape({ name: aString })],
  ['cell', shape({ id: aString, source: aString, outputs: aString })],
  ['error', shape({ source: aString, traceback: aString, variables: aList(aString) })]
]);

const request: Check = value => typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value);

const STATE = {
  model: shape({
    name: aString,
    state: oneOf('absent', 'loading', 'loaded', 'failed'),
    progress: orNull(aNumber(0, 1)),
    memory_bytes: orNull(aNumber(0)),
    window: orNull(aNumber(0)),
    used: orNull(aNumber(0)),
    text: aString
  }),
  queue: aList(
    shape({
      request,
      conversation: orNull(aString),
      kind: oneOf('ask', 'use', 'complete', 'cell'),
      state: oneOf('queued', 'loading', 'reading', 'writing'),
      waits_for: orNull(request),
      text: aString
    })
  ),
  conversations: aList(
    shape({ name: aString, turns: anInteger(0), kept: aBoolean, latest: aBoolean, edits: anInteger(0) })
  ),
  settings: anObject
};

const MESSAGES = new Map<string, Check>([
  ['welcome', shape({ protocol: anInteger(1), version: aString, subshells: aBoolean, ...STATE })],
  [
    'incompatible',
    shape({ protocol: anInteger(1), version: aString, upgrade: oneOf('kernel', 'labextension'), text: aString })
  ],
  ['refused', shape({ request: orNull(aString), code: aString, text: aString, hint: aString })],
  ['state', shape(STATE)],
  [
    'asked',
    shape({
      request,
      conversation: aString,
      text: aString,
      attachments: aList(isAttachment),
      task: oneOf('chat', 'explain', 'fix')
    })
  ],
  [
    'answer',
    shape({
      request,
      conversation: aString,
      sequence: anInteger(0),
      data: anObject,
      metadata: anObject,
      final: aBoolean,
      fix: orNull(aString)
    })
  ],
  ['failed', shape({ request, conversation: orNull(aString), name: aString, text: aString, hint: aString })],
  ['reply', value => shape({ request })(value) && 'value' in (value as Values)]
]);
