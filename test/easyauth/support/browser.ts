import { Agent, request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly setCookies: string[];
  readonly text: string;
  /** The body as JSON; fails the test when it is not. */
  json<T = Record<string, unknown>>(): T;
}

interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD' | 'PATCH';
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A browser as far as it matters here: a cookie jar that obeys `deleted` cookies, and no redirects followed by itself. */
export interface Browser {
  readonly jar: Map<string, string>;
  ask(url: string, options?: Ask): Promise<Answer>;
  /** Follows a sign-in from its first redirect to the answer of the callback. */
  signIn(startUrl: string): Promise<Answer>;
}

export const browserAgent = 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0';

export function createBrowser(jar = new Map<string, string>()): Browser {
  const dispatcher = new Agent({ pipelining: 1, maxHeaderSize: 131_072 });
  const keep = (setCookies: readonly string[]) => {
    for (const line of setCookies) {
      const [pair = '', ...marks] = line.split(';');
      const at = pair.indexOf('=');
      const name = pair.slice(0, at);
      if (marks.some((mark) => /expires=Thu, 01 Jan 1970/i.test(mark))) jar.delete(name);
      else jar.set(name, pair.slice(at + 1));
    }
  };
  const ask: Browser['ask'] = async (url, { method = 'GET', headers = {}, body } = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await request(url, {
      method,
      dispatcher,
      headers: { 'user-agent': browserAgent, ...(cookie === '' ? {} : { cookie }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    const raw = answer.headers['set-cookie'];
    const setCookies = Array.isArray(raw) ? raw : raw === undefined ? [] : [raw];
    keep(setCookies);
    return {
      status: answer.statusCode,
      headers: answer.headers,
      setCookies,
      text,
      json: <T>() => JSON.parse(text) as T,
    };
  };
  const signIn: Browser['signIn'] = async (startUrl) => {
    const start = await ask(startUrl);
    const posted = await providerForm(String(start.headers.location));
    return ask(posted.post, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://idp.test' },
      body: new URLSearchParams(posted.fields).toString(),
    });
  };
  return { jar, ask, signIn };
}

export interface ProviderForm {
  readonly post: string;
  readonly fields: Record<string, string>;
}

/** What the scripted provider would have the browser post. */
export async function providerForm(authorizeUrl: string): Promise<ProviderForm> {
  const answer = await request(authorizeUrl);
  return (await answer.body.json()) as ProviderForm;
}
