/**
 * The list under the question while `@` or `/` is typed.
 */
import * as React from 'react';

import { COMMANDS, type CommandName, type IToken, narrowed } from '../chat/completion';
import { type IVariable, asVariables } from '../chat/replies';
import type { Translations } from '../i18n';
import { cost, firstLine } from './chips';
import { type IPanelContext, usePanel } from './context';
import { tokens } from './figures';
import { cellsOf } from './notebook';

export interface IChoice {
  readonly key: string;
  readonly label: string;
  readonly detail: string;
  /** What stands in the text then. */
  readonly insert: string;
  /** What else happens. */
  take?(): void;
}

const MOST = 50;

/** The kernel's answer for a prefix; without variables where it could not answer. */
interface IFound {
  readonly prefix: string;
  readonly variables: readonly IVariable[];
}

/**
 * What may stand in the place of a token, and never what stood there a letter ago; null while the kernel, who knows the
 * variables, has yet to answer.
 */
export function useChoices(token: IToken | null): readonly IChoice[] | null {
  const panel = usePanel();
  const [found, setFound] = React.useState<IFound | null>(null);
  const sign = token?.sign;
  const prefix = token?.prefix ?? '';
  React.useEffect(() => {
    let current = true;
    if (sign === '@') {
      const ended = (variables: readonly IVariable[]) => current && setFound({ prefix, variables });
      variablesOf(prefix, panel).then(ended, () => ended([]));
    } else {
      setFound(null);
    }
    return () => void (current = false);
  }, [panel, sign, prefix]);
  return React.useMemo(() => {
    if (sign !== '@') {
      return sign ? commandChoices(prefix, panel.trans) : [];
    }
    const variables = found && narrowed(found.variables, MOST, found.prefix, prefix);
    return variables && [...variables.map(each => variableChoice(each, panel)), ...cellChoices(prefix, panel)];
  }, [panel, sign, prefix, found]);
}

function commandChoices(prefix: string, trans: Translations): readonly IChoice[] {
  const details: { readonly [name in CommandName]: string } = {
    explain: trans.__('Explain the error of a cell'),
    fix: trans.__('Fix a cell that failed'),
    clear: trans.__('Forget the turns of this conversation'),
    model: trans.__('Use another model'),
    new: trans.__('New conversation'),
    export: trans.__('Export the conversation to Markdown'),
    stop: trans.__('Stop the answer')
  };
  return COMMANDS.filter(name => name.startsWith(prefix)).map(name => ({
    key: name,
    label: `/${name}`,
    detail: details[name],
    insert: `/${name}`
  }));
}

async function variablesOf(prefix: string, { controller }: IPanelContext): Promise<readonly IVariable[]> {
  return asVariables(await controller.session?.request({ type: 'variables', prefix, limit: MOST }));
}

function variableChoice(variable: IVariable, { controller, trans }: IPanelContext): IChoice {
  return {
    key: `variable ${variable.name}`,
    label: variable.name,
    detail: describe(variable, trans),
    insert: variable.name,
    take: () => controller.draft.attach({ kind: 'variable', name: variable.name })
  };
}

function describe({ type, shape, tokens: count }: IVariable, trans: Translations): string {
  return [type, shape, count === null ? '' : trans.__('≈ %1 tokens', tokens(count))].filter(Boolean).join(' · ');
}

function cellChoices(prefix: string, { controller, trans }: IPanelContext): readonly IChoice[] {
  const panel = controller.notebook;
  const wanted = prefix.toLowerCase();
  const cells = panel ? cellsOf(panel).map((cell, index) => ({ ...cell, index })) : [];
  return cells
    .filter(cell => cell.source.trim() !== '' && matches(cell, wanted))
    .slice(-MOST)
    .reverse()
    .map(({ id, prompt, source, index }) => ({
      key: `cell ${id}`,
      label: prompt ? trans.__('cell %1', prompt) : trans.__('cell %1', index + 1),
      detail: trans.__('%1 · %2 tokens', firstLine(source), cost(source)),
      insert: prompt ? trans.__('cell %1', prompt) : trans.__('cell %1', index + 1),
      take: () => controller.draft.attachCell(panel!.content.widgets.find(cell => cell.model.id === id))
    }));
}

function matches(cell: { readonly source: string }, wanted: string): boolean {
  return 'cell'.startsWith(wanted) || cell.source.toLowerCase().includes(wanted);
}

interface ICompletionListProps {
  readonly id: string;
  readonly choices: readonly IChoice[];
  readonly chosen: number;
  readonly onTake: (choice: IChoice) => void;
}

export function CompletionList({ id, choices, chosen, onTake }: ICompletionListProps): JSX.Element {
  const { trans } = usePanel();
  const list = React.useRef<HTMLUListElement>(null);
  React.useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' }), [chosen]);
  return (
    <ul
      ref={list}
      id={id}
      className="jp-LocalLLM-completions"
      role="listbox"
      aria-label={trans.__('Suggestions')}
      hidden={choices.length === 0}
    >
      {choices.map((choice, index) => (
        <li
          key={choice.key}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === chosen}
          onMouseDown={event => {
            event.preventDefault(); // the focus stays in the text
            onTake(choice);
          }}
        >
          <span className="jp-LocalLLM-choiceName">{choice.label}</span>
          <span className="jp-LocalLLM-choiceDetail">{choice.detail}</span>
        </li>
      ))}
    </ul>
  );
}
