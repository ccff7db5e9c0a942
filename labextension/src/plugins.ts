/**
 * Wiring: the chat in the sidebar, the actions on failed cells, and ghost text.
 *
 * Only what must be there at the start is: a place in the sidebar, commands, and a look at settings. The panel itself
 * and what talks to the kernel are loaded when they are first used.
 */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';
import { LabIcon } from '@jupyterlab/ui-components';

import { translations } from './i18n';
import { addCommands } from './panel/commands';
import type { Controller } from './panel/controller';
import { ErrorBars } from './panel/errorbar';
import { GhostText } from './panel/ghost';
import { type ISettings, readSettings } from './panel/settings';
import { Sidebar } from './panel/sidebar';
import { VERSION } from './version';

const ID = 'jupyter-localllm:plugin';

const ICON = new LabIcon({
  name: 'jupyter-localllm:chat',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><g class="jp-icon3" fill="#616161">' +
    '<path d="M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-7l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zm0 2v10h6v2l2.500-2H20V5z"/>' +
    '<path d="M7 8h2v4H7zm4-1.500h2v7h-2zM15 8h2v4h-2z"/></g></svg>'
});

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'A chat with the model in the current notebook’s kernel.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [
    INotebookTracker,
    ISettingRegistry,
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    ICompletionProviderManager
  ],
  activate
};

function activate(
  app: JupyterFrontEnd,
  rendermime: IRenderMimeRegistry,
  notebooks: INotebookTracker | null,
  registry: ISettingRegistry | null,
  translator: ITranslator | null,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null,
  completer: ICompletionProviderManager | null
): void {
  if (!notebooks) {
    return; // an application without notebooks has no kernel to talk to
  }
  const trans = translations(translator ?? undefined);
  let settings = readSettings(null);
  let controller: Controller | null = null;
  let making: Promise<Controller> | null = null;
  const make = (): Promise<Controller> => {
    making ??= import('./panel/controller').then(module => {
      controller = new module.Controller(notebooks, VERSION, trans);
      controller.configure(settings);
      // A page that goes away says goodbye, so that kernels send it nothing more. It cannot wait for that to be heard, and
      // to delete a subshell before would lose it: each load of a page leaves an idle subshell in the kernel.
      window.addEventListener('pagehide', event => event.persisted || controller?.dispose());
      return controller;
    });
    return making;
  };

  const sidebar = new Sidebar(trans.__('Local LLM chat'), ICON, async () => {
    const [made, { makeContent }] = await Promise.all([make(), import('./panel/content')]);
    return makeContent(app, made, rendermime);
  });
  app.shell.add(sidebar, 'right', { rank: 500, type: 'Local LLM' });
  restorer?.add(sidebar, sidebar.id);

  const show = async (reveal: boolean): Promise<Controller> => {
    if (reveal) {
      app.shell.activateById(sidebar.id);
      await sidebar.ready();
    }
    return make();
  };
  addCommands({
    app,
    palette,
    notebooks,
    trans,
    controller: show,
    ghost: {
      isOn: () => settings.ghostText,
      toggle: async () => void (await registry?.set(ID, 'ghostText', !settings.ghostText))
    }
  });

  let bars: ErrorBars | null = null;
  let ghost: GhostText | null = null;
  const apply = (next: ISettings): void => {
    settings = next;
    controller?.configure(next);
    if (!next.errorActions) {
      bars?.dispose();
      bars = null;
    } else {
      bars ??= new ErrorBars(notebooks, trans, (task, cell) => void show(true).then(it => it.help(task, cell)));
    }
    if (next.ghostText && !ghost && completer) {
      ghost = new GhostText(
        trans,
        () => settings.ghostText,
        id => controller?.readySession(id) ?? null
      );
      completer.registerInlineProvider(ghost);
    }
    if (next.ghostText) {
      void make().then(it => it.start());
    }
  };
  if (!registry) {
    apply(settings);
    return;
  }
  registry.load(ID).then(
    loaded => {
      apply(readSettings(loaded.composite));
      loaded.changed.connect(() => apply(readSettings(loaded.composite)));
    },
    error => {
      console.error(`jupyter-localllm: the settings could not be read: ${error}`);
      apply(settings);
    }
  );
}

export default [plugin];
