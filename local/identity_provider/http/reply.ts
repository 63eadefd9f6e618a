import type { ServerResponse } from 'node:http';

export type ReplyHeaders = Readonly<Record<string, string | readonly string[]>>;
export type Reply = Readonly<{ status: number; headers: ReplyHeaders; body: string }>;

/** A JSON answer that no cache keeps. */
export function jsonReply(status: number, value: unknown, headers: ReplyHeaders = {}): Reply {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store, no-cache',
      pragma: 'no-cache',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: JSON.stringify(value),
  };
}

/** A redirect that no cache keeps and that tells the target nothing of where it came from. */
export function redirectReply(location: string, headers: ReplyHeaders = {}): Reply {
  return {
    status: 302,
    headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...headers },
    body: '',
  };
}

/** Adds headers to an answer, over those it has. */
export function withHeaders(reply: Reply, headers: ReplyHeaders): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

/** Writes an answer out. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body, 'utf8');
  for (const [name, value] of Object.entries(reply.headers)) {
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  }
  response.writeHead(reply.status, { 'content-length': body.length });
  response.end(body);
}
