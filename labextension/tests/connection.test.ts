/**
 * The way to a kernel that may be busy, restarted, replaced, too old, or without the extension.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type IChannel, type IListener, Connection } from '../src/chat/connection';
import type { KernelMessage, PanelMessage } from '../src/chat/protocol';
import { fromKernel } from './expand';

interface IOpened {
  readonly listener: IListener;
  readonly sent: PanelMessage[];
  disposed: boolean;
  done(): Promise<void>;
  fail(): Promise<void>;
}

/** A connection whose channels open when the test says so. */
function make() {
  const channels: IOpened[] = [];
  const phases: string[] = [];
  const messages: KernelMessage[] = [];
  const warnings: string[] = [];
  const port = {
    open: (listener: IListener, first: PanelMessage) =>
      new Promise<IChannel>((resolve, reject) => {
        const channel: IOpened = {
          listener,
          sent: [first],
          disposed: false,
          done: async () => {
            resolve({
              send: message => void channel.sent.push(message),
              dispose: () => void (channel.disposed = true)
            });
            await tick();
          },
          fail: async () => {
            reject(new Error('no'));
            await tick();
          }
        };
        channels.push(channel);
      })
  };
  const connection = new Connection(port, '1.2.3', {
    changed: phase => void phases.push(phase),
    message: message => void messages.push(message),
    warn: text => void warnings.push(text)
  });
  return { connection, channels, phases, messages, warnings };
}

const tick = () => new Promise<void>(resolve => setImmediate(resolve));
const WELCOME = fromKernel('welcome');
const STOP: PanelMessage = { type: 'stop', request: 'r1' };

async function makeReady() {
  const made = make();
  made.connection.connect();
  await made.channels[0].done();
  made.channels[0].listener.message(WELCOME);
  return made;
}

test('it greets first, and listens after the welcome', async () => {
  const { connection, channels, phases, messages } = make();
  connection.connect();
  connection.connect();
  assert.equal(channels.length, 1);
  assert.equal(connection.send(STOP), false);
  await channels[0].done();
  assert.deepEqual(channels[0].sent, [{ type: 'hello', protocol: 1, client: 'labextension', version: '1.2.3' }]);
  assert.equal(connection.phase, 'opening');
  channels[0].listener.message(WELCOME);
  assert.deepEqual(phases, ['opening', 'ready']);
  assert.equal(messages.length, 1);
  assert.equal(connection.send(STOP), true);
  assert.deepEqual(channels[0].sent[1], STOP);
});

test('a kernel that knows no such channel lacks the extension; it is asked again when told to', async () => {
  const { connection, channels } = make();
  connection.connect();
  await channels[0].done();
  channels[0].listener.closed();
  assert.equal(connection.phase, 'missing');
  connection.connect();
  await channels[1].done();
  channels[1].listener.message(WELCOME);
  assert.equal(connection.phase, 'ready');
});

test('a restart ends the channel without a word, and the kernel is greeted when it lives again', async () => {
  const { connection, channels, phases } = await makeReady();
  connection.kernel('restarting');
  connection.kernel('restarting');
  assert.equal(channels[0].disposed, true);
  assert.equal(connection.send(STOP), false);
  connection.kernel('alive');
  connection.kernel('alive');
  assert.equal(channels.length, 2);
  await channels[1].done();
  channels[1].listener.closed();
  assert.deepEqual(phases, ['opening', 'ready', 'restarting', 'opening', 'missing']);
});

test('what belongs to an earlier attempt is not heard', async () => {
  const { connection, channels, messages } = make();
  connection.connect();
  connection.kernel('restarting');
  connection.kernel('alive');
  await channels[0].done();
  assert.equal(channels[0].disposed, true);
  channels[0].listener.message(WELCOME);
  channels[0].listener.closed();
  assert.equal(connection.phase, 'opening');
  assert.equal(messages.length, 0);
});

test('a socket that came back gets a new channel', async () => {
  const { connection, channels } = await makeReady();
  connection.kernel('disconnected');
  assert.equal(connection.phase, 'disconnected');
  connection.kernel('alive');
  await channels[1].done();
  channels[1].listener.message(WELCOME);
  assert.equal(connection.phase, 'ready');
  connection.reconnect();
  assert.equal(channels.length, 3);
});

test('a kernel of another version says what to upgrade, and is not talked to', async () => {
  const { connection, channels } = make();
  connection.connect();
  await channels[0].done();
  channels[0].listener.message(fromKernel('incompatible'));
  assert.equal(connection.phase, 'incompatible');
  assert.equal(connection.mismatch?.upgrade, 'kernel');
  assert.equal(connection.send(STOP), false);
});

test('messages that are wrong, too early or too long change nothing, and are told', async () => {
  const { connection, channels, messages, warnings } = make();
  connection.connect();
  await channels[0].done();
  channels[0].listener.message(fromKernel('state'));
  channels[0].listener.message({ type: 'dance' });
  assert.equal(connection.phase, 'opening');
  channels[0].listener.message(WELCOME);
  channels[0].listener.message({ ...fromKernel('answer'), sequence: -1 });
  assert.equal(connection.send({ type: 'stop', request: 'x'.repeat(2_000_000) }), false);
  assert.equal(messages.length, 1);
  assert.equal(warnings.length, 4);
  assert.equal(connection.phase, 'ready');
});

test('a channel that cannot be opened is lost, not an error of the page', async () => {
  const { connection, channels, warnings } = make();
  connection.connect();
  await channels[0].fail();
  assert.equal(connection.phase, 'disconnected');
  assert.equal(warnings.length, 1);
  connection.kernel('alive');
  assert.equal(channels.length, 2);
});

test('after the end nothing is opened', async () => {
  const { connection, channels, phases } = await makeReady();
  connection.dispose();
  assert.equal(channels[0].disposed, true);
  channels[0].listener.closed();
  assert.deepEqual(phases, ['opening', 'ready']);
});
