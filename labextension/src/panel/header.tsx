/**
 * The line above the messages: which conversation, which model, and how full its window is.
 */
import { addIcon, caretDownIcon, settingsIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { IconButton } from './button';
import { usePanel, useSession, useView } from './context';
import type { Section } from './view';

export function Header(): JSX.Element {
  const { controller, trans } = usePanel();
  const { session, section, conversation } = useView();
  const model = useSession(session)?.chat.kernel?.model;
  const toggle = (name: Section) => () => controller.show(section === name ? null : name);
  return (
    <div className="jp-LocalLLM-bar" role="toolbar" aria-label={trans.__('Chat')}>
      <Toggle
        name={conversation}
        label={trans.__('Conversation: %1', conversation)}
        open={section === 'conversations'}
        onClick={toggle('conversations')}
      />
      <Toggle
        name={model?.name || trans.__('Model')}
        label={trans.__('Model: %1', model?.name || trans.__('none yet'))}
        open={section === 'models'}
        onClick={toggle('models')}
        state={model?.state}
      />
      <span className="jp-LocalLLM-barEnd">
        <IconButton icon={addIcon} label={trans.__('New conversation')} onClick={() => controller.begin()} />
        <IconButton
          icon={settingsIcon}
          label={trans.__('Sampling settings')}
          expanded={section === 'settings'}
          onClick={toggle('settings')}
        />
      </span>
      <Progress />
    </div>
  );
}

interface IToggleProps {
  readonly name: string;
  readonly label: string;
  readonly open: boolean;
  readonly state?: string;
  readonly onClick: () => void;
}

function Toggle({ name, label, open, state, onClick }: IToggleProps): JSX.Element {
  return (
    <button
      type="button"
      className="jp-LocalLLM-toggle"
      title={label}
      aria-label={label}
      aria-expanded={open}
      data-state={state}
      onClick={onClick}
    >
      <span className="jp-LocalLLM-toggleName">{name}</span>
      <caretDownIcon.react tag="span" aria-hidden="true" />
    </button>
  );
}

/** While a model is loaded: how far. */
function Progress(): JSX.Element | null {
  const { trans } = usePanel();
  const model = useSession(useView().session)?.chat.kernel?.model;
  if (model?.state !== 'loading') {
    return null;
  }
  return (
    <progress
      className="jp-LocalLLM-progress"
      aria-label={trans.__('Loading %1', model.name)}
      value={model.progress ?? undefined}
      max={1}
    />
  );
}
