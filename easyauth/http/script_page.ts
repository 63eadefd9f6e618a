import { randomBytes } from 'node:crypto';
import { pageStyle, type Reply } from './reply.js';

/** Data as a JavaScript literal that cannot end the script element or the line. */
export function scriptLiteral(value: unknown): string {
  return JSON.stringify(value)
    .replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

interface ScriptPage {
  readonly title: string;
  /** Our own script, with `data` as its only input. */
  readonly script: string;
  readonly data: unknown;
  /** Shown to people without scripts, our own markup. */
  readonly body?: string;
  /** The origin that may show this page in a frame; nobody by default. */
  readonly frameAncestor?: string;
  readonly cookies?: readonly string[];
}

/** A page of ours with one script, allowed by a nonce; nothing else may be loaded, posted or framed. */
export function scriptPage(page: ScriptPage): Reply {
  const nonce = randomBytes(16).toString('base64');
  const ancestors = page.frameAncestor ?? "'none'";
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors ${ancestors}`;
  const code = `(function (data) { ${page.script} })(${scriptLiteral(page.data)});`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${page.title}</title><style nonce="${nonce}">${pageStyle}</style></head><body>${page.body ?? ''}<script nonce="${nonce}">${code}</script></body></html>`;
  return {
    status: 200,
    headers: [
      'Cache-Control',
      'no-store',
      'X-Content-Type-Options',
      'nosniff',
      'Referrer-Policy',
      'no-referrer',
      'Content-Type',
      'text/html; charset=utf-8',
      'Content-Security-Policy',
      policy,
      ...(page.cookies ?? []).flatMap((cookie) => ['Set-Cookie', cookie]),
    ],
    body: html,
  };
}
