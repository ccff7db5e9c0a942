/**
 * What is known of the chat of one kernel, and how each message changes it. Nothing here knows the page.
 *
 * Values are replaced and never changed, and what did not change stays the same object: a list of a thousand turns in
 * which one grows is drawn again for that one only.
 */
import { MIME_TYPE } from '../model';
import { type Values, anObject } from './checks';
import type { Attachment, IAsk, IKernelState, IQueued, KernelMessage, Task } from './protocol';
import type { ISavedTurn } from './replies';

export interface IBundle {
  readonly data: Values;
  readonly metadata: Values;
}

export interface IFailure {
  readonly name: string;
  readonly text: string;
  readonly hint: string;
}

export interface ITurn {
  readonly request: string;
  readonly question: string;
  readonly attachments: readonly Attachment[];
  readonly task: Task;
  /** The answer as it is now; null before its first words. */
  readonly bundle: IBundle | null;
  /** The number of the last answer that was taken, or -1. */
  readonly sequence: number;
  /** `sent` until the kernel took it; `lost` when the kernel went away before the end. */
  readonly phase: 'sent' | 'taken' | 'done' | 'failed' | 'lost';
  readonly failure: IFailure | null;
  /** The whole corrected cell, when that was asked for. */
  readonly fix: string | null;
  /** A variable has another value now. */
  readonly stale: boolean;
}

/** What the kernel tells of the turns of a conversation without telling them: others have other numbers. */
export interface ITold {
  readonly turns: number;
  readonly edits: number;
}

const NONE: ITold = { turns: 0, edits: 0 };

export interface IChat {
  /** Null until the kernel has said how things stand. */
  readonly kernel: (IKernelState & { readonly version: string; readonly subshells: boolean }) | null;
  /** The turns of each conversation that was opened or asked in. */
  readonly turns: ReadonlyMap<string, readonly ITurn[]>;
  /** What the kernel had, as far as this panel has seen it, for each conversation that was opened. */
  readonly seen: ReadonlyMap<string, ITold>;
  /** How many of the earliest turns of a conversation the kernel has and did not send. */
  readonly omitted: ReadonlyMap<string, number>;
}

export const EMPTY: IChat = { kernel: null, turns: new Map(), seen: new Map(), omitted: new Map() };

/** A message of the kernel. */
export function received(chat: IChat, message: KernelMessage): IChat {
  switch (message.type) {
    case 'welcome': {
      const { model, queue, conversations, settings, version, subshells } = message;
      return { ...chat, kernel: { model, queue, conversations, settings, version, subshells } };
    }
    case 'state': {
      const { model, queue, conversations, settings } = message;
      return chat.kernel
        ? forgetGone(
            queue.reduce(follow, { ...chat, kernel: { ...chat.kernel, model, queue, conversations, settings } })
          )
        : chat;
    }
    case 'asked':
      return asked(chat, message);
    case 'answer':
      return answered(chat, message);
    case 'failed': {
      const failure = { name: message.name, text: message.text, hint: message.hint };
      const named = message.conversation ?? openIn(chat, message.request);
      const there = named === null ? chat : moved(chat, named, message.request);
      return named !== null && find(there, named, message.request)
        ? change(there, named, message.request, turn => ({ ...turn, phase: 'failed', failure }))
        : chat;
    }
    case 'refused':
      return refused(chat, message.request, { name: message.code, text: message.text, hint: message.hint });
    default:
      return chat;
  }
}

/** A question was sent. */
export function sent(chat: IChat, ask: IAsk): IChat {
  return change(chat, ask.conversation, ask.request, turn => ({
    ...turn,
    question: ask.text,
    attachments: ask.attachments,
    task: ask.task ?? 'chat'
  }));
}

/** The kernel told the turns of a conversation; turns of this panel that it does not keep stand behind them. */
export function opened(
  chat: IChat,
  conversation: string,
  saved: readonly ISavedTurn[],
  omitted = 0,
  edits = toldOf(chat, conversation).edits
): IChat {
  const told = new Set(saved.map(turn => turn.request));
  const open = [...chat.turns.values()].flat().filter(turn => hasNoEnd(turn) && told.has(turn.request));
  const here = open.reduce((before, { request }) => moved(before, conversation, request), chat);
  const have = here.turns.get(conversation) ?? [];
  const keys = keysOf(have);
  const known = new Map(have.map((turn, index) => [keys[index], turn]));
  const waiting = new Set(chat.kernel?.queue.map(({ request }) => request));
  const turns = keysOf(saved).map((key, index) => merge(known.get(key), saved[index], waiting));
  const own = have.filter(turn => !told.has(turn.request) && keepsItself(turn));
  return {
    ...here,
    turns: new Map(here.turns).set(conversation, [...turns, ...own]),
    seen: new Map(chat.seen).set(conversation, { turns: saved.length + omitted, edits }),
    omitted: new Map(chat.omitted).set(conversation, omitted)
  };
}

/** The kernel went away: what was being written stays as it is, and is marked. */
export function lost(chat: IChat): IChat {
  const turns = new Map([...chat.turns].map(([name, list]) => [name, list.map(asLost)]));
  return { ...chat, kernel: null, turns, seen: new Map() };
}

/** Whether the kernel has turns in this conversation that are not shown yet, as those of a cell. */
export function isBehind(chat: IChat, conversation: string): boolean {
  const told = toldOf(chat, conversation);
  const seen = chat.seen.get(conversation) ?? NONE;
  const queued = chat.kernel?.queue.some(entry => entry.conversation === conversation) ?? false;
  // The end of one that waits or runs is told, and counted then. One that was taken and stands in no queue has ended.
  const busy = queued || runningTurns(chat, conversation).some(({ phase }) => phase === 'sent');
  return chat.kernel !== null && !busy && (told.turns !== seen.turns || told.edits !== seen.edits);
}

/** What the kernel told last of a conversation's turns. */
export function toldOf({ kernel }: IChat, conversation: string): ITold {
  return kernel?.conversations.find(({ name }) => name === conversation) ?? NONE;
}

/** The conversations whose turns are others than before. */
export function otherTurns(before: IChat, now: IChat): readonly string[] {
  return (now.kernel?.conversations ?? [])
    .filter(({ name, turns, edits }) => {
      const then = toldOf(before, name);
      return then.turns !== turns || then.edits !== edits;
    })
    .map(({ name }) => name);
}

export function isRunning(turn: ITurn): boolean {
  return turn.phase === 'sent' || turn.phase === 'taken';
}

/** A name for each turn, that no other has: a document that was restored may have the same request twice. */
export function keysOf(turns: readonly { readonly request: string }[]): readonly string[] {
  const counts = new Map<string, number>();
  return turns.map(({ request }) => {
    const count = counts.get(request) ?? 0;
    counts.set(request, count + 1);
    return `${count} ${request}`;
  });
}

/** The answer as it is to be shown: one that was given up does not look as if it went on. */
export function shownBundle({ bundle, phase }: ITurn): IBundle | null {
  const answer = bundle?.data[MIME_TYPE];
  if (!bundle || !anObject(answer) || (phase !== 'lost' && phase !== 'failed') || answer.finish_reason) {
    return bundle;
  }
  return { ...bundle, data: { ...bundle.data, [MIME_TYPE]: { ...answer, finish_reason: 'interrupted' } } };
}

/** The turn that is being written or waits, the earliest first. */
export function runningTurns(chat: IChat, conversation: string): readonly ITurn[] {
  return (chat.turns.get(conversation) ?? []).filter(isRunning);
}

function asked(chat: IChat, message: Extract<KernelMessage, { type: 'asked' }>): IChat {
  const { conversation, request, text, attachments, task } = message;
  return change(moved(chat, conversation, request), conversation, request, turn => ({
    ...turn,
    question: text,
    attachments,
    task,
    // One that was lost is told again when the kernel is there again, with the answer so far.
    ...(turn.phase === 'sent' || turn.phase === 'lost' ? { phase: 'taken', sequence: -1 } : {})
  }));
}

function answered(known: IChat, message: Extract<KernelMessage, { type: 'answer' }>): IChat {
  const { conversation, request, sequence, data, metadata, final, fix } = message;
  const chat = moved(known, conversation, request);
  const before = find(chat, conversation, request);
  if (before && (sequence <= before.sequence || before.phase === 'done' || before.phase === 'failed')) {
    return chat; // out of order: what is shown is newer
  }
  const changed = change(chat, conversation, request, turn => ({
    ...turn,
    bundle: { data, metadata },
    sequence,
    fix,
    phase: final ? 'done' : 'taken'
  }));
  const { turns, edits } = chat.seen.get(conversation) ?? NONE;
  const seen = { turns: turns + 1, edits };
  return final ? { ...changed, seen: new Map(chat.seen).set(conversation, seen) } : changed;
}

function refused(chat: IChat, request: string | null, failure: IFailure): IChat {
  const conversation = request === null ? null : openIn(chat, request, isRunning);
  return conversation === null
    ? chat
    : change(chat, conversation, request!, turn => ({ ...turn, phase: 'failed', failure }));
}

/** Where a request has a turn that has not ended; one that has, in a copy of a conversation, is another one. */
function openIn(chat: IChat, request: string, isOpen: (turn: ITurn) => boolean = hasNoEnd): string | null {
  const is = (turn: ITurn): boolean => turn.request === request && isOpen(turn);
  return [...chat.turns].find(([, turns]) => turns.some(is))?.[0] ?? null;
}

/** The conversation was renamed while the question waited: its turn goes along. */
function moved(chat: IChat, conversation: string, request: string): IChat {
  const from = find(chat, conversation, request) ? null : openIn(chat, request);
  if (from === null) {
    return chat;
  }
  const there = chat.turns.get(from)!;
  const along = there.filter(turn => turn.request === request && hasNoEnd(turn));
  const rest = there.filter(turn => !along.includes(turn));
  const turns = new Map(chat.turns).set(from, rest);
  return { ...chat, turns: turns.set(conversation, [...(turns.get(conversation) ?? []), ...along]) };
}

/** The queue says where a question is now, before the first words of its answer do. */
function follow(chat: IChat, { conversation, request }: IQueued): IChat {
  return conversation === null ? chat : moved(chat, conversation, request);
}

function hasNoEnd(turn: ITurn): boolean {
  return isRunning(turn) || turn.phase === 'lost';
}

function change(chat: IChat, conversation: string, request: string, made: (turn: ITurn) => ITurn): IChat {
  const turns = chat.turns.get(conversation) ?? [];
  const index = turns.findIndex(turn => turn.request === request);
  const next = [...turns];
  next[index < 0 ? turns.length : index] = made(index < 0 ? newTurn(request) : turns[index]);
  return { ...chat, turns: new Map(chat.turns).set(conversation, next) };
}

function find(chat: IChat, conversation: string, request: string): ITurn | undefined {
  return chat.turns.get(conversation)?.find(turn => turn.request === request);
}

function newTurn(request: string): ITurn {
  return {
    request,
    question: '',
    attachments: [],
    task: 'chat',
    bundle: null,
    sequence: -1,
    phase: 'sent',
    failure: null,
    fix: null,
    stale: false
  };
}

function merge(have: ITurn | undefined, saved: ISavedTurn, waiting: ReadonlySet<string>): ITurn {
  if (have?.phase === 'done' && have.stale === saved.stale && isSame(have, saved)) {
    return have;
  }
  if (have && isRunning(have) && (have.phase === 'sent' || waiting.has(have.request))) {
    return have;
  }
  const { data, metadata, question, attachments, task, stale, fix } = saved;
  return {
    ...(have ?? newTurn(saved.request)),
    question,
    attachments,
    task,
    stale,
    fix,
    bundle: { data, metadata },
    phase: 'done'
  };
}

/** Whether a cell that was run again gave the same. */
function isSame({ question, bundle }: ITurn, saved: ISavedTurn): boolean {
  return question === saved.question && bundle?.data['text/plain'] === saved.data['text/plain'];
}

function asLost(turn: ITurn): ITurn {
  return isRunning(turn) ? { ...turn, phase: 'lost' } : turn;
}

/** Conversations that were deleted or renamed, by whichever panel or cell. */
function forgetGone(chat: IChat): IChat {
  const names = new Set(chat.kernel?.conversations.map(({ name }) => name));
  const gone = [...chat.turns].filter(([name, turns]) => !names.has(name) && !turns.some(keepsItself)).map(([n]) => n);
  if (gone.length === 0) {
    return chat;
  }
  const without = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([name]) => !gone.includes(name)));
  return { ...chat, turns: without(chat.turns), seen: without(chat.seen) };
}

/** A question that is on its way, or that the kernel has nothing of, is not the kernel's to forget. */
function keepsItself(turn: ITurn): boolean {
  const answer = turn.bundle?.data[MIME_TYPE];
  const stopped = anObject(answer) && answer.finish_reason === 'interrupted';
  return turn.phase !== 'done' || stopped;
}
