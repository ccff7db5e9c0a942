/**
 * What stands between the panel and an answer, and what to do about it.
 */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { IconButton } from './button';
import { usePanel, useRun, useSession, useView } from './context';
import { isPython } from './controller';

export function Status(): JSX.Element | null {
  const { trans } = usePanel();
  const { situation, session } = useView();
  const view = useSession(session);
  if (!situation.notebook) {
    return <Note>{trans.__('Open a notebook to talk to the model in its kernel.')}</Note>;
  }
  if (!session || !view) {
    return <Note>{trans.__('This notebook has no kernel.')}</Note>;
  }
  switch (view.phase) {
    case 'idle':
    case 'opening':
      return <Note>{situation.busy ? trans.__('Kernel busy, queued.') : trans.__('Connecting to the kernel …')}</Note>;
    case 'missing':
      return <Missing notice={view.notice} />;
    case 'incompatible':
      return (
        <Note kind="warn">
          {view.mismatch?.upgrade === 'labextension'
            ? trans.__('This panel is older than jupyter_localllm in the kernel.')
            : trans.__('jupyter_localllm in the kernel is older than this panel.')}{' '}
          {view.mismatch?.text}
        </Note>
      );
    case 'restarting':
      return <Note>{trans.__('The kernel restarts.')}</Note>;
    case 'disconnected':
      return <Note>{trans.__('The connection to the kernel is lost; it is being made again.')}</Note>;
    case 'dead':
      return <Note kind="warn">{trans.__('The kernel is dead. Restart it to go on.')}</Note>;
    case 'ready':
      return <Ready />;
  }
}

function Ready(): JSX.Element | null {
  const { trans } = usePanel();
  const { situation, session } = useView();
  const view = useSession(session);
  if (view?.notice) {
    return (
      <Note kind="warn">
        {view.notice}
        <IconButton icon={closeIcon} label={trans.__('Dismiss')} onClick={() => session!.clearNotice()} />
      </Note>
    );
  }
  return situation.busy && view?.chat.kernel?.subshells === false ? (
    <Note>{trans.__('Kernel busy, queued. With ipykernel 7 the answer would not wait for the cell.')}</Note>
  ) : null;
}

/** The kernel knows nothing of us: a button that changes that, where it can. */
function Missing({ notice }: { readonly notice: string }): JSX.Element {
  const { controller, trans } = usePanel();
  const { situation, loading } = useView();
  const [python, setPython] = React.useState(true);
  const run = useRun();
  React.useEffect(() => {
    let current = true;
    isPython(situation.kernel).then(
      yes => current && setPython(yes),
      () => undefined
    );
    return () => void (current = false);
  }, [situation.kernel]);
  if (!python) {
    return <Note>{trans.__('This chat needs a Python kernel.')}</Note>;
  }
  return (
    <Note>
      <span>{trans.__('jupyter_localllm is not loaded in this kernel.')}</span>
      {notice && <span className="jp-LocalLLM-noteDetail">{notice}</span>}
      {notice.startsWith('ModuleNotFoundError') && (
        <span className="jp-LocalLLM-noteDetail">
          {trans.__('Install it where the kernel runs: %pip install jupyter_localllm')}
        </span>
      )}
      <button
        type="button"
        className="jp-LocalLLM-textButton jp-LocalLLM-mod-main"
        disabled={loading}
        onClick={() => run(() => controller.load())}
      >
        {loading ? trans.__('Loading …') : trans.__('Load the extension')}
      </button>
      {loading && situation.busy && <span className="jp-LocalLLM-noteDetail">{trans.__('Kernel busy, queued.')}</span>}
    </Note>
  );
}

function Note({ kind = 'info', children }: { kind?: 'info' | 'warn'; children: React.ReactNode }): JSX.Element {
  return (
    <div className="jp-LocalLLM-note" data-kind={kind}>
      {children}
    </div>
  );
}
