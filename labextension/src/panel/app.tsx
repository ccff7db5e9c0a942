/**
 * The panel: what stands where.
 */
import * as React from 'react';

import { Composer } from './composer';
import { type IPanelContext, PanelContext, useSession, useView } from './context';
import { Conversations } from './conversations';
import { Header } from './header';
import { Log } from './log';
import { Models } from './models';
import { Queue } from './queue';
import { Sampling } from './sampling';
import { Status } from './status';

export function App({ context }: { readonly context: IPanelContext }): JSX.Element {
  return (
    <PanelContext.Provider value={context}>
      <Chat />
    </PanelContext.Provider>
  );
}

function Chat(): JSX.Element {
  const { session, section } = useView();
  const ready = useSession(session)?.phase === 'ready';
  return (
    <div className="jp-LocalLLM-chat">
      {ready && <Header />}
      {ready && section === 'conversations' && <Conversations />}
      {ready && section === 'models' && <Models />}
      {ready && section === 'settings' && <Sampling />}
      <Log />
      <Status />
      <Queue />
      <Composer />
    </div>
  );
}
