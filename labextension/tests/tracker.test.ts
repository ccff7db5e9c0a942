/**
 * The current notebook and its kernel, through all that can happen to them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type ISituation, Tracker } from '../src/chat/tracker';

class Signal {
  private readonly slots = new Set<() => void>();
  connect(slot: () => void): void {
    this.slots.add(slot);
  }
  disconnect(slot: () => void): void {
    this.slots.delete(slot);
  }
  emit(): void {
    [...this.slots].forEach(slot => slot());
  }
  get count(): number {
    return this.slots.size;
  }
}

const kernel = (id: string) => ({
  id,
  status: 'idle',
  connectionStatus: 'connected',
  isDisposed: false,
  statusChanged: new Signal(),
  connectionStatusChanged: new Signal()
});
type K = ReturnType<typeof kernel>;

const notebook = (its: K | null) => ({
  sessionContext: {
    session: its && { kernel: its },
    kernelChanged: new Signal(),
    statusChanged: new Signal(),
    connectionStatusChanged: new Signal()
  }
});
type N = { sessionContext: ReturnType<typeof notebook>['sessionContext'] };

function make(current: N | null) {
  const notebooks = { currentWidget: current, currentChanged: new Signal() };
  const seen: ISituation<N, K>[] = [];
  const tracker = new Tracker<K, N>(notebooks, now => void seen.push(now));
  return { notebooks, seen, tracker };
}

test('no notebook, no kernel', () => {
  const { tracker, seen } = make(null);
  assert.equal(tracker.now.life, 'none');
  assert.equal(seen.length, 0);
  assert.equal(make(notebook(null)).tracker.now.kernel, null);
});

test('switching notebooks is one change, and the one that was left is not listened to', () => {
  const [a, b] = [notebook(kernel('a')), notebook(kernel('b'))];
  const { notebooks, seen, tracker } = make(a);
  notebooks.currentWidget = b;
  notebooks.currentChanged.emit();
  assert.deepEqual(
    seen.map(now => now.kernel?.id),
    ['a', 'b']
  );
  assert.equal(a.sessionContext.statusChanged.count, 0);
  a.sessionContext.statusChanged.emit();
  assert.equal(seen.length, 2);
  tracker.dispose();
  assert.equal(b.sessionContext.statusChanged.count, 0);
});

test('another kernel in the same notebook', () => {
  const panel: N = notebook(kernel('a'));
  const { tracker } = make(panel);
  panel.sessionContext.session = { kernel: kernel('b') };
  panel.sessionContext.kernelChanged.emit();
  assert.equal(tracker.now.kernel?.id, 'b');
});

for (const [status, connection, life] of [
  ['idle', 'connected', 'alive'],
  ['busy', 'connected', 'alive'],
  ['unknown', 'connecting', 'disconnected'],
  ['idle', 'disconnected', 'disconnected'],
  ['restarting', 'connected', 'restarting'],
  ['autorestarting', 'connecting', 'restarting'],
  ['dead', 'connected', 'dead'],
  ['terminating', 'connected', 'dead']
]) {
  test(`${status} and ${connection} is ${life}`, () => {
    const its = kernel('a');
    const panel = notebook(its);
    const { tracker } = make(panel);
    Object.assign(its, { status, connectionStatus: connection });
    panel.sessionContext.statusChanged.emit();
    assert.equal(tracker.now.life, life);
    assert.equal(tracker.now.busy, status === 'busy');
  });
}

test('what did not change is not told', () => {
  const panel = notebook(kernel('a'));
  const { seen } = make(panel);
  panel.sessionContext.statusChanged.emit();
  panel.sessionContext.connectionStatusChanged.emit();
  assert.equal(seen.length, 1);
});
