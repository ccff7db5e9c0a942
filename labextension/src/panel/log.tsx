/**
 * The messages. The end stays in view while the reader is at the end; who scrolled up is left there.
 */
import * as React from 'react';

import { type ITurn, keysOf } from '../chat/state';
import { usePanel, useSession, useView } from './context';
import { Turn } from './turn';

/** So near to the end, in pixels, counts as at the end. */
const NEAR = 40;

const NONE: readonly ITurn[] = [];

export function Log(): JSX.Element {
  const { trans } = usePanel();
  const { session, conversation } = useView();
  const chat = useSession(session)?.chat;
  const turns = chat?.turns.get(conversation) ?? NONE;
  const omitted = chat?.omitted.get(conversation) ?? 0;
  const keys = React.useMemo(() => keysOf(turns), [turns]);
  const { outer, inner } = useEnd(`${conversation} ${turns.length}`);
  return (
    <div
      ref={outer}
      className="jp-LocalLLM-log"
      role="log"
      aria-live="off"
      aria-label={trans.__('Messages')}
      tabIndex={0}
      data-lm-suppress-shortcuts="true"
    >
      <div ref={inner} className="jp-LocalLLM-turns">
        {turns.length === 0 && chat?.kernel && <Empty />}
        {omitted > 0 && <p className="jp-LocalLLM-hint">{trans._n('%1 earlier turn', '%1 earlier turns', omitted)}</p>}
        {turns.map((turn, index) => (
          <Turn key={keys[index]} turn={turn} />
        ))}
      </div>
    </div>
  );
}

function Empty(): JSX.Element {
  const { trans } = usePanel();
  return (
    <div className="jp-LocalLLM-empty">
      <p>{trans.__('Ask the model that runs in this notebook’s kernel. Nothing leaves this machine.')}</p>
      <ul>
        <li>{trans.__('@ attaches a variable or a cell; the answer then cites it.')}</li>
        <li>{trans.__('/ lists commands, as /fix and /explain for a cell that failed.')}</li>
        <li>{trans.__('%%llm --chat NAME in a cell goes on with the same conversation.')}</li>
      </ul>
    </div>
  );
}

/** Keeps the end of a scrolling element in view. A new key goes to the end in any case. */
function useEnd(key: string) {
  const outer = React.useRef<HTMLDivElement>(null);
  const inner = React.useRef<HTMLDivElement>(null);
  const atEnd = React.useRef(true);
  React.useLayoutEffect(() => {
    const box = outer.current!;
    const follow = (): void => {
      if (atEnd.current) {
        box.scrollTop = box.scrollHeight;
      }
    };
    const look = (): void => void (atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR);
    const observer = new ResizeObserver(follow);
    observer.observe(inner.current!);
    observer.observe(box);
    box.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, []);
  React.useLayoutEffect(() => {
    atEnd.current = true;
    outer.current!.scrollTop = outer.current!.scrollHeight;
  }, [key]);
  return { outer, inner };
}
