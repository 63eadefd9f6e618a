import { Ajv, type ValidateFunction } from 'ajv';
import type { Fault } from '../faults.js';
import { AdminProblem } from './guard.js';

const ajv = new Ajv({ allErrors: true, useDefaults: true });
const text = { type: 'string', minLength: 1, maxLength: 500 };
const seconds = { type: 'integer', minimum: 1, maximum: 400 * 24 * 3600 };

function object(properties: Readonly<Record<string, object>>, required: readonly string[]): object {
  return { type: 'object', properties, required, additionalProperties: false };
}

export type Lifetimes = Readonly<{
  accessTokenSeconds?: number;
  idTokenSeconds?: number;
  refreshTokenSeconds?: number;
}>;
export type ConsentInput = Readonly<{ app_id: string; resource: string; scopes?: readonly string[] }>;

const fault = ajv.compile<Fault>(
  object(
    {
      path: text,
      grant: text,
      client: text,
      count: { type: 'integer', minimum: 1, maximum: 1_000_000, default: 1 },
      status: { type: 'integer', minimum: 200, maximum: 599 },
      error: text,
      code: { type: 'integer', minimum: 0, maximum: 999_999_999 },
      suberror: text,
      retryAfter: { type: 'integer', minimum: 0, maximum: 86_400 },
      delayMs: { type: 'integer', minimum: 0, maximum: 600_000 },
      hang: { type: 'boolean' },
      resetAfterProcessing: { type: 'boolean' },
      body: {},
    },
    [],
  ),
);
const lifetimes = ajv.compile<Lifetimes>(
  object({ accessTokenSeconds: seconds, idTokenSeconds: seconds, refreshTokenSeconds: seconds }, []),
);
const narrowing = ajv.compile<Readonly<{ on: boolean }>>(object({ on: { type: 'boolean' } }, ['on']));
const rotation = ajv.compile<Readonly<{ keepOld?: boolean }>>(object({ keepOld: { type: 'boolean' } }, []));
const consent = ajv.compile<ConsentInput>(
  object({ app_id: text, resource: text, scopes: { type: 'array', items: text } }, ['app_id', 'resource']),
);

function checked<T>(validate: ValidateFunction<T>): (value: unknown) => T {
  return (value) => {
    if (validate(value)) return value;
    throw new AdminProblem(ajv.errorsText(validate.errors, { dataVar: 'body' }));
  };
}

/** Checks of admin bodies. @throws AdminProblem naming what is wrong */
export const readFault = checked(fault);
export const readLifetimes = checked(lifetimes);
export const readNarrowing = checked(narrowing);
export const readRotation = checked(rotation);
export const readConsent = checked(consent);
