import { messageOf } from '../errors.js';
import { type Reply, textReply } from '../http/reply.js';

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const timeouts = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);
const gone = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** The answer for a request the app did not answer: 504 when it was too slow, 502 for everything else. */
export function upstreamReply(error: unknown): Reply {
  const late = timeouts.has(codeOf(error));
  const text = late ? 'The app did not answer in time.' : 'The app cannot be reached.';
  return textReply(late ? 504 : 502, text, { reason: `${codeOf(error)} ${messageOf(error)}`.trim() });
}

/** Whether the connection broke before an answer, as happens when the app closes an idle one just as it is used again. */
export function isStaleConnection(error: unknown): boolean {
  return gone.has(codeOf(error));
}
