import { headerOf, type Incoming } from '../../http/incoming.js';
import { everything } from './params.js';

/** The token of an Authorization header of one of these schemes. */
export function headerToken(incoming: Incoming, schemes: readonly string[] = ['bearer']): string | undefined {
  const [, scheme = '', token] =
    /^([A-Za-z]+) +([\w.~+/=-]+)$/.exec(headerOf(incoming, 'authorization') ?? '') ?? [];
  return schemes.includes(scheme.toLowerCase()) ? token : undefined;
}

/** The token of the Authorization header, or else of the `access_token` parameter. */
export function anyToken(incoming: Incoming): string | undefined {
  return headerToken(incoming) ?? (everything(incoming).get('access_token') || undefined);
}
