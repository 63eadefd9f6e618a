import { readFileSync } from 'node:fs';
import type { Environment } from '../../config.js';
import { type Policy, readRules } from '../../policy.js';
import type { AuditLog, Clock, ConnectionStore, GrantStore, Random } from '../../ports.js';
import { UsageFault } from '../command.js';

/** Where the broker keeps what a command may look at. */
export interface OperatorStores {
  readonly audit: AuditLog;
  readonly grants: GrantStore;
  readonly connections: ConnectionStore;
}

export interface PolicyTools {
  readonly settings: () => Environment;
  readonly stores: (settings: Environment) => OperatorStores;
  readonly readInput: () => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws UsageFault naming the argument, when the file cannot be read */
export function readDocument(name: string, path: string | undefined): string {
  if (path === undefined) throw new UsageFault(`${name} is missing`);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageFault(`${name} names a file that cannot be read`);
  }
}

/** @throws UsageFault, or ConfigRefused listing every problem of the document */
export function readRulesFrom(name: string, path: string | undefined): Policy {
  return readRules(readDocument(name, path));
}

/** Which policy an answer is of. */
export function policyFacts({ hash, revision }: Policy): { hash: string; revision?: string } {
  return { hash, ...(revision === undefined ? {} : { revision }) };
}

export function policyText({ hash, revision }: Policy): string {
  return revision === undefined ? hash : `${revision} (${hash})`;
}

/** ISO 8601 to ms. @throws UsageFault naming the option */
export function readInstant(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new UsageFault(`${name} must be an ISO 8601 time`);
  return time;
}
