import { createHash } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import type { Refusal } from '../../domain/errors.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML content and quoted attributes. */
export function htmlText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const STYLE = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:Canvas;color:CanvasText}
main{max-width:32rem;margin:8vh auto;padding:1.5rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
dt{font-weight:600;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}ul{margin:0;padding-left:1.25rem}
form{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
button{font:inherit;min-width:8rem;padding:.6rem 1.25rem;border:1px solid GrayText;border-radius:.5rem;cursor:pointer;
background:ButtonFace;color:ButtonText}button.main{background:AccentColor;color:AccentColorText;border-color:transparent}
button:focus-visible{outline:3px solid Highlight;outline-offset:2px}small{color:color-mix(in srgb,CanvasText 70%,Canvas)}`;

/**
 * No script, nothing loaded, never framed. There is no `form-action`: browsers apply it to where the answer to a form redirects too, which
 * here is the client's own address and whatever that redirects to in turn.
 */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** @param main HTML; whoever makes it has escaped what is put in */
export function page(title: string, main: string, status = 200): HttpResponseInit {
  return {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': POLICY,
      'X-Frame-Options': 'DENY',
      // `no-referrer` would make browsers send `Origin: null` with this page's own form.
      'Referrer-Policy': 'same-origin',
    },
    body: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${htmlText(title)}</title><style>${STYLE}</style></head>
<body><main>${main}</main></body>
</html>
`,
  };
}

/** A refusal that has nobody to go to but the user. */
export function errorPage(refusal: Refusal, correlationId: string): HttpResponseInit {
  const main = `<h1>This did not work</h1><p>${htmlText(refusal.description)}.</p>
<p><small>Reference: ${htmlText(correlationId)}</small></p>`;
  const answer = page('This did not work', main, refusal.status);
  return { ...answer, headers: { ...answer.headers, ...refusal.headers } };
}
