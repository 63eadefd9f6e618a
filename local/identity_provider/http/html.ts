import { randomBytes } from 'node:crypto';
import type { Reply } from './reply.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Makes text safe inside HTML text and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const STYLE = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:Canvas;color:CanvasText}
main{max-width:28rem;margin:8vh auto;padding:1.5rem}h1{font-size:1.5rem;margin:0 0 .5rem}ul{list-style:none;padding:0}
li{margin:.5rem 0}button{font:inherit;width:100%;text-align:left;padding:.75rem 1rem;border:1px solid GrayText;border-radius:.5rem;
background:ButtonFace;color:ButtonText;cursor:pointer}button:focus-visible{outline:3px solid Highlight;outline-offset:2px}
button.plain{border-color:transparent;background:none;text-decoration:underline;color:LinkText}small{display:block}
code{overflow-wrap:anywhere}.note{border-left:4px solid GrayText;padding-left:.75rem}`;

export type Page = Readonly<{
  title: string;
  /** HTML of the main part; the caller escapes what it puts in. */
  main: string;
  status?: number;
  /** A script that runs once, under the page's nonce. */
  script?: string;
  headers?: Readonly<Record<string, string | readonly string[]>>;
}>;

/** A whole page that cannot be framed, loads nothing, and runs no script but the one given. */
export function htmlReply({ title, main, status = 200, script, headers = {} }: Page): Reply {
  const nonce = randomBytes(16).toString('base64url');
  const code = script === undefined ? '' : `<script nonce="${nonce}">${script}</script>`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      // `no-referrer` would make browsers send `Origin: null` with this page's own form.
      'referrer-policy': 'strict-origin-when-cross-origin',
      ...headers,
    },
    body: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style nonce="${nonce}">${STYLE}</style></head>
<body><main>${main}</main>${code}</body>
</html>
`,
  };
}
