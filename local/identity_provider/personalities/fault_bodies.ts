import { PERSONALITIES, type Personality } from '../directory/social.js';
import type { Fault } from '../faults.js';
import { graphBody, graphStatus } from './facebook/errors.js';

const OTHER = 'An injected fault.';
const GRAPH_MESSAGES: ReadonlyMap<number, string> = new Map([
  [1, 'An unknown error has occurred.'],
  [2, 'An unexpected error has occurred. Please retry your request later.'],
  [4, '(#4) Application request limit reached'],
  [10, '(#10) Application does not have permission for this action'],
  [17, '(#17) User request limit reached'],
  [190, 'Error validating access token: An injected fault.'],
  [200, '(#200) Permissions error'],
  [341, '(#341) Feed action request limit reached'],
]);

function graphFault({ code = 2, suberror }: Fault): object {
  const subcode = /^\d{1,9}$/.test(suberror ?? '') ? { error_subcode: Number(suberror) } : {};
  return graphBody({ message: GRAPH_MESSAGES.get(code) ?? OTHER, type: 'OAuthException', code, ...subcode });
}

function oauthFault({ error = 'temporarily_unavailable', suberror }: Fault): object {
  return {
    error,
    error_description: OTHER,
    ...(suberror === undefined ? {} : { error_subtype: suberror }),
  };
}

function personalityOf(path: string): Personality | undefined {
  const [, first] = path.split('/');
  return PERSONALITIES.find((name) => name === first);
}

/** What a fault says at a path of a personality, in that provider's shape; undefined for a path of another. */
export function personalityFault(fault: Fault, path: string): object | undefined {
  const personality = personalityOf(path);
  if (personality === undefined) return undefined;
  if (personality === 'facebook') return graphFault(fault);
  if (personality === 'twitter') return { errors: [{ code: fault.code ?? 131, message: OTHER }] };
  return oauthFault(fault);
}

/** The status of a fault that names none: Graph's goes by the code, GitHub answers its token endpoint's errors with 200. */
export function personalityFaultStatus({ code = 2 }: Fault, path: string): number | undefined {
  if (personalityOf(path) === 'facebook') return graphStatus(code);
  return path === '/github/login/oauth/access_token' ? 200 : undefined;
}
