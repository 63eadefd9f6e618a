import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export const MAX_BODY_BYTES = 100_000;
const MAX_DISCARDED_BYTES = 16_000_000;

/** A request read whole. `form` is there only when the content type says it is a form. */
export type Incoming = Readonly<{
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  cookies: ReadonlyMap<string, string>;
  contentType: string;
  form: URLSearchParams | undefined;
  body: string;
  remoteAddress: string;
}>;

/** The request cannot be read; `status` is the answer. */
export class UnreadableRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'UnreadableRequest';
    this.status = status;
  }
}

/** Reads on past the limit, without keeping anything, so that the caller gets to read the refusal. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the request, or the refusal could not be sent.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    if (size > MAX_DISCARDED_BYTES) break;
  }
  if (size > MAX_BODY_BYTES) throw new UnreadableRequest(413, `the body is over ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

function parseTarget(target: string): URL {
  if (!target.startsWith('/')) throw new UnreadableRequest(400, 'the request target is not a path');
  const split = target.indexOf('?');
  const path = split < 0 ? target : target.slice(0, split);
  const url = new URL('http://localhost');
  url.pathname = path;
  url.search = split < 0 ? '' : target.slice(split);
  return url;
}

/** Reads the Cookie header (RFC 6265 §4.2.1); of a repeated name the first wins. */
export function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const part of (header ?? '').split(';')) {
    const split = part.indexOf('=');
    const name = part.slice(0, Math.max(split, 0)).trim();
    if (name !== '' && !cookies.has(name)) cookies.set(name, part.slice(split + 1).trim());
  }
  return cookies;
}

/**
 * Reads a request whole, at most 100 kB of body.
 * @throws UnreadableRequest 413 for a longer body, 400 for a target that is no path
 */
export async function readIncoming(request: IncomingMessage): Promise<Incoming> {
  const url = parseTarget(request.url ?? '/');
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const body = await readBody(request);
  return {
    method: request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET'),
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    cookies: parseCookies(request.headers.cookie),
    contentType,
    form: contentType === 'application/x-www-form-urlencoded' ? new URLSearchParams(body) : undefined,
    body,
    remoteAddress: request.socket.remoteAddress ?? '',
  };
}

/** A header's single value; undefined when absent or repeated. */
export function headerOf(incoming: Incoming, name: string): string | undefined {
  const value = incoming.headers[name];
  return typeof value === 'string' ? value : undefined;
}
