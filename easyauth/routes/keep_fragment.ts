import { substatus } from '../errors.js';
import { htmlText } from '../http/html.js';
import type { Reply } from '../http/reply.js';
import { scriptPage } from '../http/script_page.js';

/** Browsers send no fragment, so a script writes it into the target within `state`, which the callback checks as ever. */
const goOn = `
  var url = new URL(data.url);
  var state = new URLSearchParams(url.searchParams.get('state') || '');
  if (window.location.hash.length > 1 && state.get('redir')) {
    state.set('redir', state.get('redir').split('#')[0] + window.location.hash);
    url.searchParams.set('state', state.toString());
  }
  window.location.replace(url.href);`;

/** Sends the browser to the provider by a page that keeps the URL fragment (reference §5.1). */
export function keepFragment(url: string, cookies: readonly string[]): Reply {
  const page = scriptPage({
    title: 'Signing in',
    script: goOn,
    data: { url },
    body: `<noscript><p><a href="${htmlText(url)}">Sign in</a></p></noscript>`,
    cookies,
  });
  return { ...page, substatus: substatus.fragmentDataRequired };
}
