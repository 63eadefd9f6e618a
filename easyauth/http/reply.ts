import type { Substatus } from '../errors.js';

/** An answer of the gateway itself. `headers` is a raw array: name, value, name, value. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  /** For the log only: `401.71` and why. */
  readonly substatus?: Substatus | undefined;
  readonly reason?: string | undefined;
}

const common = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];

interface Cause {
  readonly substatus?: Substatus | undefined;
  readonly reason?: string | undefined;
  readonly headers?: readonly string[];
}

/** A status without a body. */
export function emptyReply(status: number, cause: Cause = {}): Reply {
  return { ...cause, status, headers: [...common, ...(cause.headers ?? [])], body: '' };
}

export function textReply(status: number, text: string, cause: Cause = {}): Reply {
  const headers = [...common, 'Content-Type', 'text/plain; charset=utf-8', ...(cause.headers ?? [])];
  return { ...cause, status, headers, body: `${text}\n` };
}

export function jsonReply(json: string): Reply {
  return {
    status: 200,
    headers: [...common, 'Content-Type', 'application/json; charset=utf-8'],
    body: json,
  };
}

export function redirectReply(location: string, cookies: readonly string[] = [], cause: Cause = {}): Reply {
  const setCookies = cookies.flatMap((cookie) => ['Set-Cookie', cookie]);
  return { ...cause, status: 302, headers: [...common, 'Location', location, ...setCookies], body: '' };
}

/** How pages of ours look. */
export const pageStyle =
  'body{font-family:system-ui,sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem}';

/** A small page of ours; `body` is our own markup, nothing from outside. */
export function pageReply(title: string, body: string): Reply {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${pageStyle}</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
  return {
    status: 200,
    headers: [...common, 'Content-Type', 'text/html; charset=utf-8', 'Content-Security-Policy', policy],
    body: html,
  };
}
