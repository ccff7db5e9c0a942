/**
 * The values of `reply` messages, checked; which one it is depends on what was asked for. Nothing here knows the page.
 */
import {
  type Check,
  type Values,
  aBoolean,
  aList,
  aNumber,
  anInteger,
  anObject,
  aString,
  oneOf,
  orNull,
  shape
} from './checks';
import { type Attachment, type Task, isAttachment } from './protocol';

export interface IVariable {
  readonly name: string;
  readonly type: string;
  readonly shape: string;
  readonly tokens: number | null;
  readonly defined_in: string | null;
}

export interface IModelChoice {
  readonly name: string;
  /** Null for one that is not on this machine. */
  readonly path: string | null;
  readonly bytes: number;
  readonly memory_bytes: number | null;
  readonly fits: 'yes' | 'tight' | 'no' | 'unknown';
  readonly loaded: boolean;
  readonly text: string;
}

/** A turn as the kernel keeps it. */
export interface ISavedTurn {
  readonly request: string;
  readonly question: string;
  readonly attachments: readonly Attachment[];
  readonly task: Task;
  readonly data: Values;
  readonly metadata: Values;
  readonly stale: boolean;
  readonly fix: string | null;
}

export interface IOpened {
  readonly conversation: string;
  readonly turns: readonly ISavedTurn[];
  /** How many of the earliest turns were left out. */
  readonly omitted: number;
}

export interface IExport {
  readonly text: string;
  readonly document: Values | null;
}

const variables = aList(
  shape({ name: aString, type: aString, shape: aString, tokens: orNull(aNumber(0)), defined_in: orNull(aString) })
);

const models = aList(
  shape({
    name: aString,
    path: orNull(aString),
    bytes: aNumber(0),
    memory_bytes: orNull(aNumber(0)),
    fits: oneOf('yes', 'tight', 'no', 'unknown'),
    loaded: aBoolean,
    text: aString
  })
);

const opened = shape({
  conversation: aString,
  turns: aList(
    shape({
      request: aString,
      question: aString,
      attachments: aList(isAttachment),
      task: oneOf('chat', 'explain', 'fix'),
      data: anObject,
      metadata: anObject,
      stale: aBoolean,
      fix: orNull(aString)
    })
  ),
  omitted: anInteger(0)
});

const exported = shape({ text: aString, document: orNull(anObject) });

export const asVariables = reader<readonly IVariable[]>(variables);
export const asModels = reader<readonly IModelChoice[]>(models);
export const asOpened = reader<IOpened>(opened);
export const asExport = reader<IExport>(exported);
export const asCompletion = reader<{ readonly text: string }>(shape({ text: aString }));

/** The value as what it should be, or an error that says that the kernel sent something else. */
function reader<T>(check: Check): (value: unknown) => T {
  return value => {
    if (!check(value)) {
      throw new Error('The kernel sent a reply that this version does not understand.');
    }
    return value as T;
  };
}
