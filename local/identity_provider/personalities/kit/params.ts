import { repeatedNames } from '../../entra/form.js';
import type { Incoming } from '../../http/incoming.js';

/** Parameters of a request, each at most once. An empty value counts as absent. */
export type Params = (name: string) => string | undefined;

/** Reads parameters; `repeated` is a name that was given more than once, which RFC 6749 §3.1 and §3.2 forbid. */
export function readParams(values: URLSearchParams): { params: Params; repeated: string | undefined } {
  const [repeated] = repeatedNames(values);
  return { params: (name) => values.get(name) || undefined, repeated };
}

/** The form of a POST, or the query where there is no form. */
export function formOrQuery(incoming: Incoming): URLSearchParams {
  return incoming.form ?? incoming.query;
}

/** Query and form together, for providers that read both. */
export function everything(incoming: Incoming): URLSearchParams {
  return new URLSearchParams([...incoming.query, ...(incoming.form ?? [])]);
}

export type Challenge = Readonly<{ challenge?: string; method?: string }>;

/** Reads a PKCE challenge (RFC 7636 §4.3); undefined when it is not well formed. */
export function readChallenge(params: Params, methods: readonly string[]): Challenge | undefined {
  const challenge = params('code_challenge');
  const method = params('code_challenge_method') ?? 'plain';
  if (challenge === undefined) return params('code_challenge_method') === undefined ? {} : undefined;
  const fits = /^[A-Za-z0-9._~-]{43,128}$/.test(challenge) && methods.includes(method);
  return fits ? { challenge, method } : undefined;
}
