/**
 * What the `/` commands do.
 */
import type { ICommand } from '../chat/completion';
import { RequestError } from '../chat/session';
import type { IPanelContext } from './context';

export async function runCommand(panel: IPanelContext, { name, rest }: ICommand): Promise<void> {
  const { controller, trans } = panel;
  switch (name) {
    case 'explain':
    case 'fix':
      if (!(await controller.help(name))) {
        throw new RequestError('no error', trans.__('No cell of this notebook shows an error.'));
      }
      return;
    case 'clear':
      return controller.talks.clear();
    case 'model':
      if (rest === '') {
        return controller.show('models');
      }
      await controller.session?.request({ type: 'use', model: rest });
      return;
    case 'new':
      return controller.begin(rest);
    case 'export':
      return panel.exportMarkdown(controller.view.get().conversation);
    case 'stop':
      return controller.stop();
  }
}
