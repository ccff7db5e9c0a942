/**
 * The commands of the palette, menus and shortcuts.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';

import type { Translations } from '../i18n';
import type { Controller } from './controller';
import { failedCell } from './notebook';

export const COMMAND = {
  open: 'jupyter-localllm:open',
  explain: 'jupyter-localllm:explain',
  fix: 'jupyter-localllm:fix',
  attach: 'jupyter-localllm:attach-cell',
  stop: 'jupyter-localllm:stop',
  begin: 'jupyter-localllm:new-conversation',
  clear: 'jupyter-localllm:clear-conversation',
  models: 'jupyter-localllm:choose-model',
  load: 'jupyter-localllm:load-extension',
  ghost: 'jupyter-localllm:toggle-ghost-text'
} as const;

export interface ICommandsOptions {
  readonly app: JupyterFrontEnd;
  readonly palette: ICommandPalette | null;
  readonly notebooks: INotebookTracker;
  readonly trans: Translations;
  /** The controller, made when it is first needed; `show` opens the panel too. */
  controller(show: boolean): Promise<Controller>;
  readonly ghost: { isOn(): boolean; toggle(): Promise<void> };
}

export function addCommands({ app, palette, notebooks, trans, controller, ghost }: ICommandsOptions): void {
  const { commands } = app;
  const category = trans.__('Local LLM');
  const hasNotebook = (): boolean => notebooks.currentWidget !== null;
  const hasError = (): boolean => notebooks.currentWidget !== null && failedCell(notebooks.currentWidget) !== null;

  const add = (id: string, label: string, run: (it: Controller) => unknown, isEnabled = hasNotebook): void => {
    commands.addCommand(id, { label, isEnabled, execute: async () => void (await run(await controller(true))) });
    palette?.addItem({ command: id, category });
  };
  add(COMMAND.open, trans.__('Open the chat'), it => it.draft.focus(), always);
  add(COMMAND.explain, trans.__('Explain the error of this cell'), it => it.help('explain'), hasError);
  add(COMMAND.fix, trans.__('Fix this cell'), it => it.help('fix'), hasError);
  add(COMMAND.attach, trans.__('Attach this cell to the question'), it => {
    it.draft.attachCell(it.notebook?.content.activeCell);
    it.draft.focus();
  });
  add(COMMAND.stop, trans.__('Stop the answer'), it => it.stop());
  add(COMMAND.begin, trans.__('New conversation'), it => it.begin());
  add(COMMAND.clear, trans.__('Forget the turns of this conversation'), it => it.talks.clear());
  add(COMMAND.models, trans.__('Choose a model'), it => it.show('models'));
  add(COMMAND.load, trans.__('Load jupyter_localllm in this kernel'), it => it.load());
  commands.addCommand(COMMAND.ghost, {
    label: trans.__('Ghost text of the local model'),
    isToggled: () => ghost.isOn(),
    execute: () => ghost.toggle()
  });
  palette?.addItem({ command: COMMAND.ghost, category });
}

const always = (): boolean => true;
