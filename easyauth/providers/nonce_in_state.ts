import { LoginProtocolError } from '../errors.js';
import type { LoginMemory, LoginReturn } from './provider.js';

/** The nonce inside `state`: `redir=…&nonce=…` (reference §5.1, GitHub). */
export function nonceOfState(parameters: URLSearchParams): string | undefined {
  return new URLSearchParams(parameters.get('state') ?? '').get('nonce') ?? undefined;
}

/**
 * Recalls a sign-in whose only binding to this browser is the state. To be called before anything is redeemed.
 * @throws LoginProtocolError
 */
export function recallByState({ parameters, recall }: LoginReturn): LoginMemory {
  const memory = recall(nonceOfState(parameters));
  if (memory === undefined) throw new LoginProtocolError('the state is not one of this browser');
  return memory;
}

/** The returned code. @throws LoginProtocolError */
export function codeOf({ parameters }: LoginReturn): string {
  const code = parameters.get('code');
  if (code === null || code === '') throw new LoginProtocolError('the code is missing');
  return code;
}
