/**
 * A proposed fix: the difference to the cell, to be accepted or not.
 */
import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';

import { diffLines } from '../chat/diff';
import type { ITurn } from '../chat/state';
import { usePanel, useViewed } from './context';
import { findCell, insertBelow, replaceCell } from './notebook';

export function Fix({ turn }: { readonly turn: ITurn }): JSX.Element {
  const { trans } = usePanel();
  const source = turn.attachments.find(attachment => attachment.kind === 'error')?.source;
  if (source === undefined || turn.fix === null || turn.fix.trim() === source.trim()) {
    return <p className="jp-LocalLLM-hint">{trans.__('The answer proposes no other code for the cell.')}</p>;
  }
  return <Proposal request={turn.request} source={source} code={turn.fix} />;
}

interface IProposalProps {
  readonly request: string;
  /** The cell as it was sent. */
  readonly source: string;
  readonly code: string;
}

function Proposal({ request, source, code }: IProposalProps): JSX.Element {
  const { controller, trans } = usePanel();
  const notebook = useViewed(view => view.situation.notebook);
  const [done, setDone] = React.useState<'accepted' | 'rejected' | null>(null);
  const cell = useCell(notebook, controller.cellOf(request), source);
  const unchanged = useHas(cell, source);
  const accept = (): void => {
    if (notebook && cell && !cell.isDisposed && cell.model.sharedModel.getSource() === source) {
      replaceCell(notebook, code, cell);
    } else if (notebook) {
      insertBelow(notebook, code); // what was written in the meantime stays
    }
    setDone('accepted');
  };
  return (
    <section className="jp-LocalLLM-fix" aria-label={trans.__('Proposed change')}>
      <Diff before={source} after={code} />
      {done === null ? (
        <div className="jp-LocalLLM-formEnd">
          <button type="button" className="jp-LocalLLM-textButton" onClick={() => setDone('rejected')}>
            {trans.__('Reject')}
          </button>
          <button
            type="button"
            className="jp-LocalLLM-textButton jp-LocalLLM-mod-main"
            disabled={!notebook}
            onClick={accept}
          >
            {unchanged ? trans.__('Accept') : trans.__('Insert as a new cell')}
          </button>
        </div>
      ) : (
        <p className="jp-LocalLLM-hint">{done === 'accepted' ? trans.__('Accepted') : trans.__('Rejected')}</p>
      )}
    </section>
  );
}

/** The cell that the fix is for. Looked for when cells come or go: without its id, all cells are read for that. */
function useCell(notebook: NotebookPanel | null, id: string | undefined, source: string): Cell | null {
  const [changes, changed] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const cells = notebook?.model?.cells;
    const slot = (): void => changed();
    cells?.changed.connect(slot);
    return () => void cells?.changed.disconnect(slot);
  }, [notebook]);
  return React.useMemo(() => notebook && findCell(notebook, id, source), [notebook, id, source, changes]);
}

/** Whether a cell has this text now. */
function useHas(cell: Cell | null, source: string): boolean {
  const model = cell?.model.sharedModel;
  const subscribe = React.useCallback(
    (changed: () => void) => {
      model?.changed.connect(changed);
      return () => void model?.changed.disconnect(changed);
    },
    [model]
  );
  return React.useSyncExternalStore(subscribe, () => model?.getSource() === source);
}

/** Signs tell what is old and new; no colour is needed to understand it. */
function Diff({ before, after }: { readonly before: string; readonly after: string }): JSX.Element {
  const { trans } = usePanel();
  const lines = React.useMemo(() => diffLines(before, after), [before, after]);
  const spoken = { same: '', removed: trans.__('removed: '), added: trans.__('added: ') };
  const signs = { same: ' ', removed: '−', added: '+' };
  return (
    <pre className="jp-LocalLLM-diff" dir="ltr" tabIndex={0} data-lm-suppress-shortcuts="true">
      {lines.map(({ kind, text }, index) => (
        <div key={index} data-kind={kind}>
          <span className="jp-LocalLLM-hidden">{spoken[kind]}</span>
          <span aria-hidden="true">{signs[kind]} </span>
          {text || '\u200b'}
        </div>
      ))}
    </pre>
  );
}
