/**
 * One question and its answer.
 */
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type ITurn, isRunning, shownBundle } from '../chat/state';
import { AnswerView } from './answerview';
import { IconButton } from './button';
import { Chip } from './chips';
import { usePanel, useSession, useView } from './context';
import { Fix } from './fix';
import { whatOf } from './queue';

export const Turn = React.memo(function Turn({ turn }: { readonly turn: ITurn }): JSX.Element {
  const { trans } = usePanel();
  const bundle = React.useMemo(() => shownBundle(turn), [turn]);
  return (
    <article className="jp-LocalLLM-turn" aria-label={trans.__('Question and answer')} data-phase={turn.phase}>
      <div className="jp-LocalLLM-question">
        <div className="jp-LocalLLM-questionText" dir="auto">
          {turn.question}
        </div>
        {turn.attachments.length > 0 && (
          <div className="jp-LocalLLM-chips">
            {turn.attachments.map((attachment, index) => (
              <Chip key={index} attachment={attachment} />
            ))}
          </div>
        )}
      </div>
      {bundle ? <AnswerView bundle={bundle} /> : isRunning(turn) && <Waiting turn={turn} />}
      {turn.stale && <p className="jp-LocalLLM-hint">{trans.__('A variable of this answer has another value now.')}</p>}
      <Outcome turn={turn} />
      {turn.task === 'fix' && turn.phase === 'done' && <Fix turn={turn} />}
    </article>
  );
});

/** Before the first words: what the kernel does for this question. */
function Waiting({ turn }: { readonly turn: ITurn }): JSX.Element {
  const { trans } = usePanel();
  const queue = useSession(useView().session)?.chat.kernel?.queue ?? [];
  const entry = queue.find(other => other.request === turn.request);
  return (
    <p className="jp-LocalLLM-waiting">
      <span className="jp-LocalLLM-dots" aria-hidden="true" />
      {entry ? whatOf(entry, queue, trans) : turn.phase === 'sent' ? trans.__('on its way') : trans.__('is read')}
    </p>
  );
}

/** An end that is not an answer: what happened, and what to do. */
function Outcome({ turn }: { readonly turn: ITurn }): JSX.Element | null {
  const { controller, trans } = usePanel();
  if (turn.phase !== 'failed' && turn.phase !== 'lost') {
    return null;
  }
  const text =
    turn.phase === 'lost' ? trans.__('The kernel went away before the answer was whole.') : turn.failure?.text;
  return (
    <div className="jp-LocalLLM-failure" role="status">
      <div>
        {turn.failure && <strong>{turn.failure.name}: </strong>}
        {text}
        {turn.failure?.hint && <div className="jp-LocalLLM-noteDetail">{turn.failure.hint}</div>}
      </div>
      <IconButton icon={refreshIcon} label={trans.__('Ask again')} onClick={() => controller.again(turn)} />
    </div>
  );
}
