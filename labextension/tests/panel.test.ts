/**
 * What the panel keeps, carries over and lets go, without a page.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Attachment } from '../src/chat/protocol';
import { FakeNotebook, FakeNotebooks, source, tick } from './page';

const { Store } = source('chat/store.ts');
const { translations } = source('i18n.ts');
const { Controller } = source('panel/controller.ts');
const { Keeping } = source('panel/keeping.ts');
const { Talks } = source('panel/talks.ts');
const { NOTHING } = source('panel/view.ts');

const X: Attachment = { kind: 'variable', name: 'x' };
const Y: Attachment = { kind: 'variable', name: 'y' };

function fakeSession(failing: string) {
  const told: string[] = [];
  const conversations = ['a', 'b', 'c'].map(name => ({ name, turns: 1, kept: false, latest: false, edits: 0 }));
  const session = {
    chat: { kernel: { conversations } },
    trans: translations(),
    connection: { phase: 'idle' },
    request: async ({ type, conversation }: { type: string; conversation: string }) => {
      if (type === 'export' && conversation === failing) {
        throw new Error(`no ${conversation}`);
      }
      return { text: '', document: { name: conversation } };
    },
    tell: (error: Error) => void told.push(error.message)
  };
  return { session, told };
}

function keep(notebook: FakeNotebook) {
  let changes = 0;
  const notebooks = new FakeNotebooks([notebook]);
  const keeping = new Keeping(
    notebooks,
    () => true,
    () => void (changes += 1)
  );
  return { keeping, changes: () => changes };
}

const namesOf = ({ metadata }: FakeNotebook): string[] =>
  Object.keys((metadata.jupyter_localllm as { chat?: object } | undefined)?.chat ?? {});

test('one conversation that cannot be saved does not keep the others from it', async () => {
  const notebook = new FakeNotebook();
  const { session, told } = fakeSession('a');
  const { keeping, changes } = keep(notebook);
  for (const name of ['a', 'b', 'c']) {
    keeping.soon(session, name, notebook);
  }
  await tick(300);
  assert.deepEqual(namesOf(notebook), ['b', 'c']);
  assert.deepEqual(told, ['no a']);
  assert.equal(changes(), 1);
});

test('a conversation that was renamed is shown under its new name, also where a notebook cannot keep it', async () => {
  const { session } = fakeSession('new');
  const view = new Store({ ...NOTHING, session, conversation: 'a' });
  const keeping = { renamed: () => Promise.reject(new Error('too long')) };
  const talks = new Talks(view, keeping);
  await assert.rejects(talks.rename('a', 'new'), /too long/);
  assert.equal(view.get().conversation, 'new');
});

function drive(...notebooks: FakeNotebook[]) {
  const tracker = new FakeNotebooks(notebooks);
  const controller = new Controller(tracker, '1', translations());
  return { controller, tracker, chips: (): readonly Attachment[] => controller.view.get().chips };
}

test('what was attached before the kernel was there is still attached when it comes', () => {
  const notebook = new FakeNotebook();
  const { controller, tracker, chips } = drive(notebook);
  tracker.show(notebook);
  controller.draft.attach(X);
  notebook.begin('k');
  assert.deepEqual(chips(), [X]);
  notebook.sessionContext.session = null; // the kernel goes for a moment
  notebook.sessionContext.kernelChanged.emit();
  assert.deepEqual(chips(), []);
  controller.draft.attach(X, Y);
  notebook.begin('k');
  assert.deepEqual(chips(), [X, Y]);
});

test('what was attached in another notebook stays there', () => {
  const [one, two] = [new FakeNotebook(), new FakeNotebook()];
  const { controller, tracker, chips } = drive(one, two);
  two.begin('k');
  tracker.show(one);
  controller.draft.attach(X);
  tracker.show(two);
  assert.deepEqual(chips(), []);
  tracker.show(one);
  assert.deepEqual(chips(), [X]);
});
