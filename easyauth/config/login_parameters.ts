import type { Issues } from './reader.js';

/** What the gateway itself decides in an authorize request; nobody else may set it. */
const reserved = new Set([
  'client_id',
  'redirect_uri',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'client_secret',
]);

/** The one answer the gateway can verify and redeem, under the names an old recipe still writes into the configuration. */
const fixed = new Map([
  ['response_type', ['code id_token', 'id_token code']],
  ['response_mode', ['form_post']],
]);

function fault(name: string, value: string, seen: ReadonlyMap<string, string>): string | undefined {
  if (name === '') return 'must have the form name=value';
  if (reserved.has(name)) return `${name} is decided by the gateway`;
  const allowed = fixed.get(name);
  if (allowed !== undefined && !allowed.includes(value)) return `${name} must be ${allowed[0]}`;
  if (seen.has(name)) return `${name} is given twice: merge the values into one entry`;
  return undefined;
}

/** Reads `loginParameters` (`name=value`, the value may hold further `=`). Protocol parameters and doubles are problems. */
export function readLoginParameters(
  entries: readonly string[],
  path: string,
  issues: Issues,
): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const [index, entry] of entries.entries()) {
    const at = entry.indexOf('=');
    const name = at < 0 ? '' : entry.slice(0, at).trim();
    const value = entry.slice(at + 1).trim();
    const wrong = fault(name, value, out);
    if (wrong !== undefined) issues.problem(`${path}[${index}]`, wrong);
    else if (!fixed.has(name)) out.set(name, value);
  }
  return out;
}
