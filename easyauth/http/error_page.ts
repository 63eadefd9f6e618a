import type { IncomingMessage } from 'node:http';
import { htmlText } from './html.js';
import { pageReply, type Reply } from './reply.js';

const titles: ReadonlyMap<number, string> = new Map([
  [400, 'This does not work'],
  [401, 'Not signed in'],
  [403, 'Not allowed'],
  [404, 'Not found'],
]);

function contentType({ headers }: Reply): string | undefined {
  return headers.find((_text, index) => index % 2 === 1 && headers[index - 1] === 'Content-Type');
}

/** A failure told in words, as a page with a way on where a person's browser asks for one; every other answer as it is. */
export function forPeople(request: IncomingMessage, reply: Reply): Reply {
  const asks = /\btext\/html\b/.test(request.headers.accept ?? '');
  if (!asks || reply.status < 400 || contentType(reply)?.startsWith('text/plain') !== true) return reply;
  const title = titles.get(reply.status) ?? 'Something went wrong';
  const text = `<p>${htmlText(reply.body.trim())}</p><p><a href="/">Go to the website</a></p>`;
  const { headers, body } = pageReply(title, text);
  const own = reply.headers.filter((_text, index) =>
    /^(?:set-cookie|retry-after|allow)$/i.test(reply.headers[index - (index % 2)] ?? ''),
  );
  return { ...reply, headers: [...headers, ...own], body };
}
