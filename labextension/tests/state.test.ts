/**
 * What each message changes in what is known of the chat.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type IAsk, type KernelMessage, parseKernelMessage } from '../src/chat/protocol';
import {
  type IChat,
  EMPTY,
  isBehind,
  keysOf,
  lost,
  opened,
  otherTurns,
  received,
  runningTurns,
  sent
} from '../src/chat/state';
import { fromKernel } from './expand';

const ask = (request: string, text = 'Why?'): IAsk => ({
  type: 'ask',
  request,
  conversation: 'c',
  text,
  attachments: []
});
const answer = (request: string, sequence: number, final = false, fix: string | null = null): KernelMessage => ({
  type: 'answer',
  request,
  conversation: 'c',
  sequence,
  data: { 'text/plain': `${request} ${sequence}` },
  metadata: {},
  final,
  fix
});
const state = (turns: number, queue: unknown[] = [], edits = 0) =>
  parseKernelMessage({
    ...fromKernel('state'),
    queue,
    conversations: [{ name: 'c', turns, kept: false, latest: true, edits }]
  })!;
const saved = (request: string) => ({
  request,
  question: `of ${request}`,
  attachments: [],
  task: 'chat' as const,
  data: { 'text/plain': request },
  metadata: {},
  stale: false,
  fix: null
});
const WELCOMED = received(EMPTY, parseKernelMessage(fromKernel('welcome'))!);
const play = (chat: IChat, ...messages: KernelMessage[]) => messages.reduce(received, chat);
const turn = (chat: IChat, index = 0) => chat.turns.get('c')![index];

test('a question is seen at once, then taken, then answered piece by piece', () => {
  const asked = sent(WELCOMED, ask('r1'));
  assert.equal(turn(asked).phase, 'sent');
  const taken = received(asked, { ...ask('r1', 'Why?'), type: 'asked', task: 'chat' } as KernelMessage);
  assert.equal(turn(taken).phase, 'taken');
  const growing = received(taken, answer('r1', 0));
  assert.equal(turn(growing).bundle?.data['text/plain'], 'r1 0');
  assert.deepEqual(runningTurns(growing, 'c'), [turn(growing)]);
  const whole = received(growing, answer('r1', 1, true));
  assert.equal(turn(whole).phase, 'done');
  assert.deepEqual(runningTurns(whole, 'c'), []);
});

test('answers out of order and after the end change nothing', () => {
  const chat = play(sent(WELCOMED, ask('r1')), answer('r1', 3));
  assert.equal(received(chat, answer('r1', 3)), chat);
  assert.equal(received(chat, answer('r1', 2)), chat);
  const done = received(chat, answer('r1', 4, true));
  assert.equal(received(done, answer('r1', 5)), done);
});

test('a question of another panel is seen, and what did not change stays the same object', () => {
  const chat = play(sent(WELCOMED, ask('r1')), answer('r1', 0, true));
  const two = play(chat, { ...ask('r2', 'And?'), type: 'asked', task: 'chat' } as KernelMessage, answer('r2', 0));
  assert.equal(turn(two, 1).question, 'And?');
  assert.equal(turn(two, 0), turn(chat, 0));
});

test('a refused question shows why; a refused request of another kind is no turn', () => {
  const refused = (request: string | null) =>
    ({ type: 'refused', request, code: 'out_of_range', text: 'too long', hint: 'less' }) as const;
  const chat = received(sent(WELCOMED, ask('r1')), refused('r1'));
  assert.equal(turn(chat).phase, 'failed');
  assert.deepEqual(turn(chat).failure, { name: 'out_of_range', text: 'too long', hint: 'less' });
  assert.equal(received(chat, refused('r9')), chat);
  assert.equal(received(chat, refused(null)), chat);
});

test('what grew before a failure stays', () => {
  const failed = { type: 'failed', request: 'r1', conversation: 'c', name: 'E', text: 'x', hint: '' } as const;
  const chat = play(sent(WELCOMED, ask('r1')), answer('r1', 0), failed);
  assert.equal(turn(chat).phase, 'failed');
  assert.equal(turn(chat).bundle?.data['text/plain'], 'r1 0');
  const other = received(chat, { ...failed, request: 'r2', conversation: null });
  assert.equal(other, chat);
});

test('a restart loses what was being written, and says so', () => {
  const chat = lost(play(sent(sent(WELCOMED, ask('r1')), ask('r2')), answer('r1', 0, true), answer('r2', 0)));
  assert.deepEqual([turn(chat, 0).phase, turn(chat, 1).phase], ['done', 'lost']);
  assert.equal(chat.kernel, null);
});

test('what was lost goes on when only the connection was away', () => {
  const before = lost(play(sent(WELCOMED, ask('r1')), answer('r1', 7)));
  const asked = { ...ask('r1'), type: 'asked', task: 'chat' } as KernelMessage;
  const chat = play(before, parseKernelMessage(fromKernel('welcome'))!, asked, answer('r1', 7), answer('r1', 8, true));
  assert.equal(turn(chat).phase, 'done');
  assert.equal(chat.turns.get('c')!.length, 1);
});

test('opening shows the turns of the kernel, and keeps those on their way behind them', () => {
  const chat = opened(sent(WELCOMED, ask('r9')), 'c', [saved('r1'), saved('r2')], 3);
  assert.deepEqual(
    chat.turns.get('c')!.map(({ request }) => request),
    ['r1', 'r2', 'r9']
  );
  assert.equal(chat.omitted.get('c'), 3);
  const again = opened(chat, 'c', [saved('r1'), saved('r2'), { ...saved('r3'), stale: true }]);
  assert.equal(turn(again, 0), turn(chat, 0));
  assert.equal(turn(again, 2).stale, true);
});

test('a turn that a cell added is noticed, one that was watched is not', () => {
  const chat = opened(received(WELCOMED, state(2)), 'c', [saved('r1'), saved('r2')]);
  assert.equal(isBehind(chat, 'c'), false);
  assert.equal(isBehind(received(chat, state(3)), 'c'), true);
  const watched = play(sent(chat, ask('r3')), answer('r3', 0, true), state(3));
  assert.equal(isBehind(watched, 'c'), false);
});

test('a conversation that was deleted is forgotten, but not a question on its way', () => {
  const gone = parseKernelMessage({ ...fromKernel('state'), queue: [], conversations: [] })!;
  const chat = opened(WELCOMED, 'c', [saved('r1')]);
  assert.equal(received(chat, gone).turns.has('c'), false);
  assert.equal(received(sent(chat, ask('r2')), gone).turns.has('c'), true);
});

test('a question that was stopped before its first words is kept in view, though the kernel has no turn of it', () => {
  const data = { 'application/vnd.jupyter-localllm.answer+json': { finish_reason: 'interrupted' } };
  const stopped = play(sent(WELCOMED, ask('r1')), { ...answer('r1', 0, true), data } as KernelMessage);
  assert.equal(opened(stopped, 'c', []).turns.get('c')!.length, 1);
  assert.equal(opened(play(sent(WELCOMED, ask('r1')), answer('r1', 0, true)), 'c', []).turns.get('c')!.length, 0);
});

test('names that are parts of JavaScript are names', () => {
  const chat = sent(WELCOMED, { ...ask('r1'), conversation: '__proto__' });
  assert.equal(chat.turns.get('__proto__')!.length, 1);
});

const inB = (message: KernelMessage) => ({ ...message, conversation: 'b' }) as KernelMessage;
const requests = (chat: IChat, name: string) => (chat.turns.get(name) ?? []).map(({ request }) => request);

test('a question that waited while its conversation was renamed goes along, and ends there', () => {
  const asked = { ...ask('r1', 'Why so?'), type: 'asked', task: 'chat' } as KernelMessage;
  const chat = play(sent(WELCOMED, ask('r1')), asked, inB(answer('r1', 0)), inB(answer('r1', 1, true)));
  assert.deepEqual([requests(chat, 'c'), requests(chat, 'b')], [[], ['r1']]);
  assert.equal(chat.turns.get('b')![0].question, 'Why so?');
  assert.equal(chat.turns.get('b')![0].phase, 'done');
  assert.deepEqual(runningTurns(chat, 'c'), []);
});

test('whatever names the new conversation first moves the question: the queue, asked, failed, or its turns', () => {
  const waiting = sent(WELCOMED, ask('r1'));
  const [entry] = fromKernel('state').queue as object[];
  const queued = received(waiting, state(0, [{ ...entry, request: 'r1', conversation: 'b' }]));
  const asked = received(waiting, inB({ ...ask('r1'), type: 'asked', task: 'chat' } as KernelMessage));
  const failed = { type: 'failed', request: 'r1', conversation: 'b', name: 'E', text: 'x', hint: '' } as const;
  const ended = received(waiting, failed);
  const told = opened(lost(waiting), 'b', [saved('r1')]);
  for (const chat of [queued, asked, ended, told]) {
    assert.deepEqual([requests(chat, 'c'), requests(chat, 'b')], [[], ['r1']]);
  }
  assert.equal(ended.turns.get('b')![0].phase, 'failed');
  assert.equal(told.turns.get('b')![0].phase, 'done');
});

test('a failure that names no conversation ends its question', () => {
  const failed = { type: 'failed', request: 'r1', conversation: null, name: 'E', text: 'x', hint: '' } as const;
  assert.equal(turn(received(sent(WELCOMED, ask('r1')), failed)).phase, 'failed');
});

test('a turn that has ended stays where it is, though a copy of the conversation has the same request', () => {
  const chat = opened(opened(WELCOMED, 'c', [saved('r1')]), 'b', [saved('r1')]);
  assert.deepEqual([requests(chat, 'c'), requests(chat, 'b')], [['r1'], ['r1']]);
});

test('turns of a restored document may have the same request: each is itself, and has a name of its own', () => {
  const twice = [saved('r1'), { ...saved('r1'), question: 'another' }, saved('1 r1')];
  const chat = opened(opened(WELCOMED, 'c', twice), 'c', twice);
  assert.deepEqual(
    chat.turns.get('c')!.map(({ question }) => question),
    ['of r1', 'another', 'of 1 r1']
  );
  assert.equal(new Set(keysOf(chat.turns.get('c')!)).size, 3);
  assert.deepEqual(keysOf(chat.turns.get('c')!.slice(0, 1)), keysOf(twice).slice(0, 1));
});

test('a cell that is run again makes the panel look, and what it gives now is shown', () => {
  const before = opened(received(WELCOMED, state(1)), 'c', [saved('turn-1')]);
  assert.equal(isBehind(before, 'c'), false);
  const told = received(before, state(1, [], 1));
  assert.equal(isBehind(told, 'c'), true);
  assert.deepEqual(otherTurns(before, told), ['c']);
  const again = { ...saved('turn-1'), question: 'another', data: { 'text/plain': 'answer' } };
  const after = opened(told, 'c', [again]);
  assert.equal(turn(after).question, 'another');
  assert.equal(turn(after).bundle?.data['text/plain'], 'answer');
  assert.equal(isBehind(after, 'c'), false);
  assert.equal(turn(opened(after, 'c', [again])), turn(after));
});

test('an answer whose end was not heard is fetched once the kernel has it no longer in its queue', () => {
  const taken = { ...ask('r1'), type: 'asked', task: 'chat' } as KernelMessage;
  const entry = { request: 'r1', conversation: 'c', kind: 'ask', state: 'writing', waits_for: null, text: '' };
  const writing = play(opened(WELCOMED, 'c', []), taken, answer('r1', 0), state(0, [entry]));
  assert.equal(isBehind(writing, 'c'), false);
  const ended = received(writing, state(1));
  assert.equal(isBehind(ended, 'c'), true);
  assert.equal(turn(opened(ended, 'c', [saved('r1')])).phase, 'done');
});
