/**
 * What the panel shows: one value, watched by all of its parts.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

import type { Attachment } from '../chat/protocol';
import type { Session } from '../chat/session';
import type { ISituation } from '../chat/tracker';

export type Section = 'conversations' | 'models' | 'settings';

/** What people set for the panel; the schema says what each is for. */
export interface IPanelSettings {
  readonly keepInNotebook: boolean;
  readonly loadExtension: boolean;
  readonly enterSends: boolean;
}

export const DEFAULTS: IPanelSettings = { keepInNotebook: false, loadExtension: false, enterSends: true };

export interface IPanelView {
  readonly situation: ISituation<NotebookPanel, Kernel.IKernelConnection>;
  readonly session: Session | null;
  readonly conversation: string;
  readonly draft: string;
  readonly chips: readonly Attachment[];
  /** Counts up when the composer should take the focus. */
  readonly focus: number;
  readonly section: Section | null;
  /** `%load_ext` runs or waits. */
  readonly loading: boolean;
  readonly settings: IPanelSettings;
  /** Counts up when something changed in the notebook that is shown here. */
  readonly notebookChange: number;
}

export const FIRST_CONVERSATION = 'chat';
export const NOTHING: IPanelView = {
  situation: { notebook: null, kernel: null, life: 'none', busy: false },
  session: null,
  conversation: FIRST_CONVERSATION,
  draft: '',
  chips: [],
  focus: 0,
  section: null,
  loading: false,
  settings: DEFAULTS,
  notebookChange: 0
};
