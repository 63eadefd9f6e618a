import { headerOf, type Incoming } from '../http/incoming.js';
import { jsonReply, type Reply } from '../http/reply.js';
import { isFromOtherSite } from '../http/same_site.js';
import { isLoopbackHost } from '../loopback.js';

/** A request to the admin paths that cannot be done as asked; the answer is 400, or the given status. */
export class AdminProblem extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.name = 'AdminProblem';
    this.status = status;
  }
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || isLoopbackHost(address.replace(/^::ffff:/, ''));
}

/**
 * Refuses what does not come from a program, or a page of this provider, on this machine: other addresses, names that a
 * foreign DNS may point here, other origins.
 */
export function adminRefusal(incoming: Incoming): Reply | undefined {
  const host = headerOf(incoming, 'host') ?? '';
  const hostname = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  const local = isLoopbackAddress(incoming.remoteAddress) && isLoopbackHost(hostname);
  if (local && !isFromOtherSite(incoming)) return undefined;
  return jsonReply(403, {
    error: 'forbidden',
    error_description: 'The admin paths answer only to this machine.',
  });
}

/**
 * The JSON object in a body; an empty body is an empty object.
 * @throws AdminProblem 415 for another content type, 400 for what is no JSON object
 */
export function readJson(incoming: Incoming): Readonly<Record<string, unknown>> {
  if (incoming.body === '') return {};
  if (incoming.contentType !== 'application/json')
    throw new AdminProblem('the body must be application/json', 415);
  try {
    const value: unknown = JSON.parse(incoming.body);
    if (isRecord(value)) return value;
  } catch {
    // falls through to the one answer for both
  }
  throw new AdminProblem('the body must be a JSON object');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
