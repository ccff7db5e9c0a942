/**
 * What all parts of the panel are given, and how they watch a store.
 */
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';

import type { Session, ISessionView } from '../chat/session';
import type { Store } from '../chat/store';
import type { Translations } from '../i18n';
import type { Controller } from './controller';
import type { IPanelView } from './view';

export interface IPanelContext {
  readonly controller: Controller;
  readonly trans: Translations;
  readonly rendermime: IRenderMimeRegistry;
  /** Write the conversation into a file beside the notebook, and show it. */
  exportMarkdown(conversation: string): Promise<void>;
  /** Write the conversation into cells at the end of the notebook. */
  exportCells(conversation: string): Promise<void>;
  /** Ask for a text in a dialog; null when it was cancelled. */
  askText(title: string, value: string, ok: string): Promise<string | null>;
  /** Ask whether to go on. */
  confirm(title: string, body: string, ok: string): Promise<boolean>;
}

export const PanelContext = React.createContext<IPanelContext>(null!);

export function usePanel(): IPanelContext {
  return React.useContext(PanelContext);
}

export function useStore<T>(store: Store<T>): T {
  return React.useSyncExternalStore(store.subscribe, store.get);
}

export function useView(): IPanelView {
  return useStore(usePanel().controller.view);
}

/** One part of the view; what uses it is drawn again for a change of that part alone, and not with each keystroke. */
export function useViewed<T>(part: (view: IPanelView) => T): T {
  const store = usePanel().controller.view;
  return React.useSyncExternalStore(store.subscribe, () => part(store.get()));
}

const nothing = (): (() => void) => () => undefined;

/** How things stand in the current kernel, or null when there is none. */
export function useSession(session: Session | null): ISessionView | null {
  const view = session?.view;
  return React.useSyncExternalStore(view?.subscribe ?? nothing, () => view?.get() ?? null);
}

/** Runs something that may fail, and tells it where the panel tells such things. */
export function useRun(): (work: () => Promise<unknown>) => void {
  const { controller } = usePanel();
  return React.useCallback(work => void work().catch(error => controller.session?.tell(error)), [controller]);
}
