/**
 * Requests and their replies, and what is fetched without being asked for.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IListener } from '../src/chat/connection';
import type { PanelMessage } from '../src/chat/protocol';
import { RequestError, Session } from '../src/chat/session';
import { fromKernel } from './expand';

const tick = () => new Promise<void>(resolve => setImmediate(resolve));
const WELCOME = { ...fromKernel('welcome'), queue: [], conversations: [] };

async function make() {
  const sent: PanelMessage[] = [];
  const finished: string[] = [];
  let hear: IListener = null!;
  const port = {
    open: async (listener: IListener, first: PanelMessage) => {
      hear = listener;
      sent.push(first);
      return { send: (message: PanelMessage) => void sent.push(message), dispose: () => undefined };
    }
  };
  const session = new Session(port, '1', (conversation, request) => void finished.push(`${conversation} ${request}`));
  session.connection.connect();
  await tick();
  hear.message(WELCOME);
  const tell = (message: object) => hear.message(message);
  const last = () => sent[sent.length - 1] as { type: string; request: string };
  return { session, sent, tell, last, finished };
}

const state = (turns: number) => ({
  ...fromKernel('state'),
  queue: [],
  conversations: [{ name: 'c', turns, kept: false, latest: true, edits: 0 }]
});

test('each request gets its own reply, whatever the order', async () => {
  const { session, sent, tell } = await make();
  const one = session.request({ type: 'models' });
  const two = session.request({ type: 'variables', prefix: 'd', limit: 5 });
  const [, first, second] = sent as { request: string }[];
  assert.notEqual(first.request, second.request);
  assert.match(first.request, /^[A-Za-z0-9_-]{1,64}$/);
  tell({ type: 'reply', request: second.request, value: 2 });
  tell({ type: 'reply', request: first.request, value: 1 });
  assert.deepEqual(await Promise.all([one, two]), [1, 2]);
});

test('a refused or failed request is an error with a hint', async () => {
  const { session, tell, last } = await make();
  const refused = session.request({ type: 'use', model: 'x' });
  tell({ type: 'refused', request: last().request, code: 'out_of_range', text: 'no', hint: 'do' });
  await assert.rejects(refused, (error: RequestError) => error.code === 'out_of_range' && error.hint === 'do');
  const failed = session.request({ type: 'use', model: 'x' });
  tell({ type: 'failed', request: last().request, conversation: null, name: 'E', text: 'no', hint: '' });
  await assert.rejects(failed, RequestError);
});

test('a restart rejects what waits, and nothing waits for a kernel that does not listen', async () => {
  const { session } = await make();
  const waits = session.request({ type: 'models' });
  session.connection.kernel('restarting');
  await assert.rejects(waits, RequestError);
  await assert.rejects(session.request({ type: 'models' }), RequestError);
  assert.equal(session.ask('c', 'Why?', [], 'chat'), null);
});

test('a question that is too long is not sent, and that is said', async () => {
  const { session, sent } = await make();
  assert.equal(session.ask('c', 'x'.repeat(2_000_000), [], 'chat'), null);
  assert.equal(sent.length, 1);
  assert.match(session.view.get().notice, /too long.*Attach less/);
});

test('an answer that is whole is told once', async () => {
  const { session, tell, finished } = await make();
  const request = session.ask('c', 'Why?', [], 'chat');
  const answer = { ...fromKernel('answer, growing'), request, conversation: 'c' };
  tell(answer);
  tell({ ...answer, sequence: 1, final: true });
  assert.deepEqual(finished, [`c ${request}`]);
  assert.equal(session.chat.turns.get('c')![0].phase, 'done');
});

test('turns that a cell added are fetched once', async () => {
  const { session, sent, tell, last } = await make();
  session.catchUp('c');
  assert.equal(sent.length, 1, 'a conversation without turns needs no message');
  tell(state(1));
  session.catchUp('c');
  assert.equal(last().type, 'open');
  session.catchUp('c');
  assert.equal(sent.length, 2);
  tell({ ...fromKernel('reply to open'), request: last().request });
  await tick();
  session.catchUp('c');
  assert.equal(sent.length, 2);
  assert.equal(session.chat.turns.get('c')!.length > 0, true);
});

test('a conversation that was gone for a moment is fetched again', async () => {
  const { session, sent, tell, last } = await make();
  tell(state(1));
  session.catchUp('c');
  tell({ ...fromKernel('reply to open'), request: last().request });
  await tick();
  tell({ ...state(1), conversations: [] });
  tell(state(1));
  const before = sent.length;
  session.catchUp('c');
  assert.equal(sent.length, before + 1);
});

test('what is refused and belongs to no request is shown as a notice', async () => {
  const { session, tell } = await make();
  tell({ type: 'refused', request: null, code: 'malformed', text: 'No object.', hint: 'Reload.' });
  assert.equal(session.view.get().notice, 'No object. Reload.');
  session.clearNotice();
  assert.equal(session.view.get().notice, '');
});
