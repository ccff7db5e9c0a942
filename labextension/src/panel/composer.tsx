/**
 * Where questions are written.
 */
import { runIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { insert, parseCommand, step, tokenAt } from '../chat/completion';
import { runningTurns } from '../chat/state';
import { IconButton } from './button';
import { Chips } from './chips';
import { runCommand } from './commandline';
import { CompletionList, type IChoice, useChoices } from './completionlist';
import { usePanel, useRun, useSession, useView } from './context';
import { count } from './figures';

const NONE: readonly IChoice[] = [];
const LIST = 'jp-LocalLLM-completions';

export function Composer(): JSX.Element {
  const panel = usePanel();
  const { controller, trans } = panel;
  const { session, draft, chips, conversation, focus, settings } = useView();
  const view = useSession(session);
  const [caret, setCaret] = React.useState(0);
  const [closed, setClosed] = React.useState('');
  const [chosen, setChosen] = React.useState(0);
  const run = useRun();
  const area = useArea(draft, focus);
  const ready = view?.phase === 'ready';
  const token = ready ? tokenAt(draft, caret) : null;
  const key = token ? `${token.sign}${token.start} ${token.prefix}` : '';
  const known = useChoices(closed === key ? null : token);
  const choices = known ?? NONE;
  React.useEffect(() => setChosen(0), [key]);
  const whole = token?.sign === '/' && choices[chosen]?.label === draft.trim(); // nothing is left to complete
  const running = view ? runningTurns(view.chat, conversation).length > 0 : false;

  const take = (choice: IChoice): void => {
    const next = insert(draft, token!, caret, choice.insert);
    choice.take?.();
    controller.draft.set(next.text);
    area.moveTo(next.caret);
    setCaret(next.caret);
  };
  const wanted = React.useRef(''); // the token that Tab shall complete as soon as the kernel has answered
  React.useEffect(() => {
    if (known && wanted.current !== '') {
      if (wanted.current === key && known.length > 0) {
        take(known[0]);
      }
      wanted.current = '';
    }
  }, [known, key]);
  const send = (): void => {
    const command = parseCommand(draft);
    if (command) {
      controller.draft.set('');
      run(() => runCommand(panel, command));
    } else {
      controller.send();
    }
  };
  const onKey = (event: React.KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) {
      return;
    }
    const moves: { [name: string]: number } = { ArrowDown: 1, ArrowUp: -1 };
    if (choices.length > 0 && event.key in moves) {
      setChosen(step(chosen, moves[event.key], choices.length));
    } else if (choices.length > 0 && (event.key === 'Tab' || (event.key === 'Enter' && !whole)) && !event.shiftKey) {
      take(choices[chosen] ?? choices[0]);
    } else if (known === null && event.key === 'Tab' && !event.shiftKey) {
      wanted.current = key;
    } else if ((known === null || choices.length > 0) && event.key === 'Escape') {
      setClosed(key);
    } else if (event.key === 'Enter' && sends(event, settings.enterSends)) {
      send();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="jp-LocalLLM-composer">
      <Chips />
      <CompletionList id={LIST} choices={choices} chosen={chosen} onTake={take} />
      <textarea
        ref={area.ref}
        className="jp-LocalLLM-input"
        rows={1}
        dir="auto"
        value={draft}
        placeholder={trans.__('Ask, @ to attach, / for commands')}
        aria-label={trans.__('Question')}
        role="combobox"
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-expanded={choices.length > 0}
        aria-controls={LIST}
        aria-activedescendant={choices.length > 0 ? `${LIST}-${chosen}` : undefined}
        onChange={event => {
          controller.draft.set(event.target.value);
          setCaret(event.target.selectionStart);
          setClosed('');
        }}
        onSelect={event => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKey}
      />
      <div className="jp-LocalLLM-composerBar">
        <button
          type="button"
          className="jp-LocalLLM-textButton"
          disabled={!ready}
          onClick={() => controller.draft.attachCell(controller.notebook?.content.activeCell)}
        >
          {trans.__('Attach cell')}
        </button>
        <Window />
        <span className="jp-LocalLLM-barEnd">
          {running && (
            <IconButton
              icon={stopIcon}
              className="jp-LocalLLM-stop"
              label={trans.__('Stop')}
              onClick={() => controller.stop()}
            />
          )}
          <IconButton
            icon={runIcon}
            className="jp-LocalLLM-send"
            label={chips.length > 0 ? trans.__('Send with what is attached') : trans.__('Send')}
            disabled={!ready || draft.trim() === ''}
            onClick={send}
          />
        </span>
      </div>
    </div>
  );
}

/** How much of the model's window the last answer used. */
function Window(): JSX.Element | null {
  const { trans } = usePanel();
  const model = useSession(useView().session)?.chat.kernel?.model;
  if (!model?.window || model.used === null) {
    return null;
  }
  const share = Math.min(100, Math.round((100 * model.used) / model.window));
  const title = trans.__(
    '%1 of %2 tokens of the window used by the last answer',
    count(model.used),
    count(model.window)
  );
  return (
    <span className="jp-LocalLLM-window" title={title} data-full={share >= 80}>
      {trans.__('window %1 %', share)}
    </span>
  );
}

function sends(event: React.KeyboardEvent, enterSends: boolean): boolean {
  return enterSends ? !event.shiftKey && !event.altKey : event.ctrlKey || event.metaKey;
}

/** A text area that is as high as its text, and takes the focus when it is asked to. */
function useArea(text: string, focus: number) {
  const ref = React.useRef<HTMLTextAreaElement>(null);
  const wanted = React.useRef<number | null>(null);
  React.useLayoutEffect(() => {
    const observer = new ResizeObserver(() => fit(ref.current!));
    observer.observe(ref.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  React.useLayoutEffect(() => {
    const area = ref.current!;
    fit(area);
    if (wanted.current !== null) {
      area.setSelectionRange(wanted.current, wanted.current);
      wanted.current = null;
    }
  }, [text]);
  React.useEffect(() => {
    if (focus > 0) {
      ref.current?.focus();
    }
  }, [focus]);
  const moveTo = (caret: number): void => {
    wanted.current = caret;
    ref.current?.focus();
  };
  return { ref, moveTo };
}

function fit(area: HTMLTextAreaElement): void {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight + 2}px`;
}
