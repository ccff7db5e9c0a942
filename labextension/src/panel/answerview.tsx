/**
 * An answer in the panel: the same widget that shows it in a cell.
 */
import { MimeModel } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { PartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { AnswerWidget, IAnswerHost } from '../answer';
import type { IBundle } from '../chat/state';
import { ICONS } from '../codetools';
import { type IPanelContext, usePanel } from './context';
import { MIME_TYPE } from '../model';
import { insertAtEnd, insertBelow, replaceCell } from './notebook';

export function AnswerView({ bundle }: { readonly bundle: IBundle }): JSX.Element {
  const panel = usePanel();
  const place = React.useRef<HTMLDivElement>(null);
  const renderer = React.useRef<IRenderMime.IRenderer | null>(null);
  React.useLayoutEffect(() => {
    const widget = panel.rendermime.createRenderer(MIME_TYPE);
    (widget as AnswerWidget).host = hostOf(panel);
    Widget.attach(widget, place.current!);
    renderer.current = widget;
    return () => widget.dispose();
  }, [panel]);
  React.useEffect(() => {
    const model = new MimeModel({
      data: bundle.data as PartialJSONObject,
      metadata: bundle.metadata as PartialJSONObject,
      trusted: false
    });
    renderer.current?.renderModel(model).catch(error => console.error(error));
  }, [panel, bundle]);
  return <div ref={place} className="jp-LocalLLM-turnAnswer" dir="auto" />;
}

function hostOf({ controller, trans }: IPanelContext): IAnswerHost {
  const withNotebook = (run: (panel: NonNullable<typeof controller.notebook>, code: string) => void) => {
    return (code: string): void => void (controller.notebook && run(controller.notebook, code));
  };
  return {
    notebook: () => controller.notebook?.content ?? null,
    codeActions: [
      {
        name: 'below',
        label: trans.__('Insert below the current cell'),
        icon: ICONS.below,
        run: withNotebook((panel, code) => insertBelow(panel, code))
      },
      {
        name: 'replace',
        label: trans.__('Replace the current cell'),
        icon: ICONS.replace,
        run: withNotebook((panel, code) => replaceCell(panel, code))
      },
      {
        name: 'add',
        label: trans.__('New cell at the end of the notebook'),
        icon: ICONS.add,
        run: withNotebook((panel, code) => insertAtEnd(panel, code))
      }
    ]
  };
}
