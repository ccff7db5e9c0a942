/**
 * The samples of the protocol, which pytest reads too; what is too long to be written down is made here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ISample {
  readonly about: string;
  readonly message: unknown;
}

export interface ISamples {
  readonly protocol: number;
  readonly limit_bytes: number;
  readonly from_panel: readonly ISample[];
  readonly from_kernel: readonly ISample[];
  readonly dropped: readonly ISample[];
}

export const samples = expand(JSON.parse(readFileSync(join('tests', 'protocol.json'), 'utf8'))) as ISamples;

/** The first sample of the kernel that has this in its description. */
export function fromKernel(about: string): { readonly [name: string]: unknown } {
  return samples.from_kernel.find(sample => sample.about.startsWith(about))!.message as { [name: string]: unknown };
}

function expand(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(expand);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { $repeat, $list, $nest, $half } = value as { [name: string]: unknown };
  if (Array.isArray($repeat)) {
    return String($repeat[0]).repeat(Number($repeat[1]));
  }
  if (Array.isArray($list)) {
    return Array(Number($list[1])).fill(expand($list[0]));
  }
  if ($nest !== undefined) {
    return Array.from({ length: Number($nest) - 1 }).reduce<unknown[]>(inner => [inner], []);
  }
  return $half !== undefined
    ? '\ud83d'
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expand(inner)]));
}
