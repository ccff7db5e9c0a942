/**
 * The models on this machine: which is used, how large each is and whether it fits, and a way to choose another.
 */
import * as React from 'react';

import type { IModelState } from '../chat/protocol';
import { type IModelChoice, asModels } from '../chat/replies';
import type { Translations } from '../i18n';
import { usePanel, useRun, useSession, useView } from './context';
import { bytes, count } from './figures';

export function Models(): JSX.Element {
  const { trans } = usePanel();
  const { session } = useView();
  const model = useSession(session)?.chat.kernel?.model;
  const [models, setModels] = React.useState<readonly IModelChoice[] | null>(null);
  const run = useRun();
  const known = `${model?.name} ${model?.state}`;
  React.useEffect(() => {
    let current = true;
    run(async () => {
      const list = asModels(await session!.request({ type: 'models' }));
      if (current) {
        setModels(list);
      }
    });
    return () => void (current = false);
  }, [session, known]);
  return (
    <section className="jp-LocalLLM-section" aria-label={trans.__('Models')}>
      {model && <Resident model={model} />}
      {models === null ? (
        <p className="jp-LocalLLM-hint">{trans.__('Looking for models …')}</p>
      ) : models.length === 0 ? (
        <p className="jp-LocalLLM-hint">{trans.__('No models were found on this machine.')}</p>
      ) : (
        <ul className="jp-LocalLLM-list">
          {models.map(choice => (
            <Choice key={choice.path ?? choice.name} choice={choice} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** What is in memory now, and how to give it back. */
function Resident({ model }: { readonly model: IModelState }): JSX.Element {
  const { controller, trans } = usePanel();
  const run = useRun();
  const parts = [
    stateText(model, trans),
    model.memory_bytes !== null ? trans.__('%1 in memory', bytes(model.memory_bytes)) : '',
    model.window !== null && model.used !== null
      ? trans.__('%1 of %2 tokens of its window used', count(model.used), count(model.window))
      : ''
  ];
  return (
    <div className="jp-LocalLLM-resident">
      <strong>{model.name}</strong>
      <span className="jp-LocalLLM-choiceDetail">{parts.filter(Boolean).join(' · ')}</span>
      {model.text && <span className="jp-LocalLLM-choiceDetail">{model.text}</span>}
      {model.state === 'loaded' && (
        <button
          type="button"
          className="jp-LocalLLM-textButton"
          onClick={() => run(() => controller.session!.request({ type: 'unload' }))}
        >
          {trans.__('Give its memory back')}
        </button>
      )}
    </div>
  );
}

function Choice({ choice }: { readonly choice: IModelChoice }): JSX.Element {
  const { controller, trans } = usePanel();
  const run = useRun();
  const parts = [bytes(choice.bytes), fitText(choice, trans), choice.loaded ? trans.__('loaded') : '', choice.text];
  return (
    <li className="jp-LocalLLM-entryRow" data-current={choice.loaded}>
      <button
        type="button"
        className="jp-LocalLLM-choice"
        title={choice.path ?? choice.name}
        aria-current={choice.loaded ? 'true' : undefined}
        onClick={() => run(() => controller.session!.request({ type: 'use', model: choice.path ?? choice.name }))}
      >
        <span className="jp-LocalLLM-choiceName">{choice.name}</span>
        <span className="jp-LocalLLM-choiceDetail" data-fits={choice.fits}>
          {parts.filter(Boolean).join(' · ')}
        </span>
      </button>
    </li>
  );
}

function stateText(model: IModelState, trans: Translations): string {
  switch (model.state) {
    case 'absent':
      return trans.__('not loaded');
    case 'loading':
      return model.progress === null
        ? trans.__('loading')
        : trans.__('loading, %1 %', Math.round(100 * model.progress));
    case 'loaded':
      return trans.__('loaded');
    case 'failed':
      return trans.__('could not be loaded');
  }
}

function fitText(choice: IModelChoice, trans: Translations): string {
  switch (choice.fits) {
    case 'yes':
      return trans.__('fits');
    case 'tight':
      return trans.__('fits tightly');
    case 'no':
      return trans.__('too large for this machine');
    case 'unknown':
      return '';
  }
}
