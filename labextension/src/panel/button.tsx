/**
 * A button that shows an icon and says what it does.
 */
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

export interface IIconButtonProps {
  readonly icon: LabIcon;
  readonly label: string;
  readonly onClick: () => void;
  readonly className?: string;
  readonly disabled?: boolean;
  /** For what opens and closes a section. */
  readonly expanded?: boolean;
  /** For what is on or off. */
  readonly pressed?: boolean;
}

export function IconButton(props: IIconButtonProps): JSX.Element {
  const { icon, label, onClick, className = '', disabled, expanded, pressed } = props;
  return (
    <button
      type="button"
      className={`jp-LocalLLM-iconButton ${className}`}
      title={label}
      aria-label={label}
      aria-expanded={expanded}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <icon.react tag="span" aria-hidden="true" />
    </button>
  );
}
