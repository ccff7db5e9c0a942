/**
 * The settings of the schema, with their defaults where there is no registry.
 */
import type { IPanelSettings } from './view';

export interface ISettings extends IPanelSettings {
  readonly ghostText: boolean;
  readonly errorActions: boolean;
}

const DEFAULTS: ISettings = {
  keepInNotebook: false,
  loadExtension: false,
  enterSends: true,
  ghostText: false,
  errorActions: true
};

export function readSettings(values: { readonly [name: string]: unknown } | null): ISettings {
  const names = Object.keys(DEFAULTS) as (keyof ISettings)[];
  const read = (name: keyof ISettings): boolean =>
    typeof values?.[name] === 'boolean' ? (values[name] as boolean) : DEFAULTS[name];
  return Object.fromEntries(names.map(name => [name, read(name)])) as unknown as ISettings;
}
