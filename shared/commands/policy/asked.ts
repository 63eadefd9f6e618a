import type { Membership } from '../../domain/membership.js';
import type { Held } from '../../domain/narrowing.js';
import { parseScope, type Scope } from '../../domain/scope.js';
import { readSubject, type Subject } from '../../domain/subject.js';
import { UsageFault } from '../command.js';
import type { Outcome } from './outcome.js';
import { readInstant } from './tools.js';

export const EXPLAIN_OPTIONS = {
  client: { type: 'string' },
  subject: { type: 'string' },
  resource: { type: 'string' },
  scope: { type: 'string' },
  'grant-type': { type: 'string' },
  at: { type: 'string' },
  policy: { type: 'string' },
  held: { type: 'string' },
  group: { type: 'string', multiple: true },
  role: { type: 'string', multiple: true },
  live: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** What is asked about. */
export interface Asked {
  readonly clientId: string;
  readonly subject: Subject;
  readonly resource: string;
  readonly scope: Scope | undefined;
  readonly grantType: string;
  /** ms */
  readonly at: number;
  /** What the grant is said to hold. */
  readonly heldScope: Scope | undefined;
  readonly membership: Membership;
}

/** What is known beside the question, or the outcome that follows without asking policy. */
export type Facts = { readonly assumed: readonly string[] } & (
  | { readonly held: Held; readonly membership: Membership | undefined }
  | { readonly outcome: Outcome }
);

type Values = {
  readonly [K in keyof typeof EXPLAIN_OPTIONS]?: string | boolean | readonly string[] | undefined;
} & {
  readonly group?: readonly string[];
  readonly role?: readonly string[];
};

/** @throws UsageFault naming what is missing or malformed */
export function readAsked(values: Values, now: number): Asked {
  const subject = readSubject(required(values, 'subject'));
  if (!subject) throw new UsageFault('--subject must read provider:tenant:id, as audit rows have it');
  return {
    clientId: required(values, 'client'),
    subject,
    resource: required(values, 'resource'),
    scope: readScope(values, 'scope'),
    grantType: text(values, 'grant-type') ?? 'refresh_token',
    at: readInstant('--at', text(values, 'at')) ?? now,
    heldScope: readScope(values, 'held'),
    membership: {
      ...(values.group === undefined ? {} : { groups: values.group }),
      ...(values.role === undefined ? {} : { roles: values.role }),
    },
  };
}

function text(values: Values, name: keyof Values): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

function required(values: Values, name: keyof Values): string {
  const value = text(values, name);
  if (value === undefined || value === '') throw new UsageFault(`--${name} is missing`);
  return value;
}

function readScope(values: Values, name: keyof Values): Scope | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  try {
    return parseScope(value);
  } catch {
    throw new UsageFault(`--${name} must be scope tokens separated by single spaces`);
  }
}
