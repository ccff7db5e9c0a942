/**
 * The settings with which the next answer is made, those of the kernel's own handle.
 */
import * as React from 'react';

import type { Values } from '../chat/checks';
import type { Translations } from '../i18n';
import { usePanel, useRun, useSession, useView } from './context';

interface IField {
  readonly name: string;
  readonly label: string;
  readonly kind: 'number' | 'text';
  readonly step?: number;
  readonly least?: number;
  readonly most?: number;
}

function fields(trans: Translations): readonly IField[] {
  return [
    { name: 'temperature', label: trans.__('Temperature'), kind: 'number', step: 0.1, least: 0 },
    { name: 'top_p', label: trans.__('Top p'), kind: 'number', step: 0.05, least: 0, most: 1 },
    { name: 'top_k', label: trans.__('Top k'), kind: 'number', step: 1, least: 0 },
    { name: 'min_p', label: trans.__('Min p'), kind: 'number', step: 0.01, least: 0, most: 1 },
    { name: 'repeat_penalty', label: trans.__('Repeat penalty'), kind: 'number', step: 0.05, least: 0 },
    {
      name: 'max_tokens',
      label: trans.__('Longest answer (max_tokens)'),
      kind: 'number',
      step: 1,
      least: 1
    },
    { name: 'seed', label: trans.__('Seed'), kind: 'number', step: 1 },
    { name: 'system', label: trans.__('System message'), kind: 'text' }
  ];
}

export function Sampling(): JSX.Element {
  const { controller, trans } = usePanel();
  const settings = useSession(useView().session)?.chat.kernel?.settings ?? {};
  const [edits, setEdits] = React.useState<{ readonly [name: string]: string }>({});
  const run = useRun();
  const changed = Object.keys(edits).length > 0;
  const apply = async (): Promise<void> => {
    await controller.session!.request({ type: 'configure', values: valuesOf(edits, trans) });
    setEdits({});
  };
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    run(apply);
  };
  return (
    <section className="jp-LocalLLM-section" aria-label={trans.__('Sampling settings')}>
      <form className="jp-LocalLLM-form" onSubmit={submit}>
        {fields(trans)
          .filter(field => field.name in settings)
          .map(field => (
            <Field
              key={field.name}
              field={field}
              value={edits[field.name] ?? asText(settings[field.name])}
              onChange={value => setEdits({ ...edits, [field.name]: value })}
            />
          ))}
        <p className="jp-LocalLLM-hint">{trans.__('Cells use the same settings, unless they say otherwise.')}</p>
        <span className="jp-LocalLLM-formEnd">
          <button type="button" className="jp-LocalLLM-textButton" disabled={!changed} onClick={() => setEdits({})}>
            {trans.__('Discard')}
          </button>
          <button type="submit" className="jp-LocalLLM-textButton jp-LocalLLM-mod-main" disabled={!changed}>
            {trans.__('Apply')}
          </button>
        </span>
      </form>
    </section>
  );
}

interface IFieldProps {
  readonly field: IField;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Field({ field, value, onChange }: IFieldProps): JSX.Element {
  const { label, kind, step, least, most } = field;
  return (
    <label className="jp-LocalLLM-field" data-kind={kind}>
      <span>{label}</span>
      {kind === 'text' ? (
        <textarea rows={3} value={value} onChange={event => onChange(event.target.value)} />
      ) : (
        <input
          type="number"
          step={step === 1 ? 1 : 'any'}
          min={least}
          max={most}
          value={value}
          onChange={event => onChange(event.target.value)}
        />
      )}
    </label>
  );
}

/** An empty field asks for the default, which the kernel knows. */
function valuesOf(edits: { readonly [name: string]: string }, trans: Translations): Values {
  const kinds = new Map(fields(trans).map(field => [field.name, field.kind]));
  const entries = Object.entries(edits).map(([name, text]) => {
    const empty = text.trim() === '';
    return [name, kinds.get(name) === 'number' ? (empty ? null : Number(text)) : empty ? null : text];
  });
  return Object.fromEntries(entries);
}

function asText(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}
