/** What a browser does for its user, as far as signing in needs it: cookies, redirects and the provider's self-posting form. */
export interface Browser {
  /** One request, redirects followed, forms that post themselves posted. */
  visit(url: string, options?: VisitOptions): Promise<Page>;
  /** One request as page script, or a form, would send it: cookies go along, nothing is followed. */
  send(url: string, init?: { method?: string; json?: unknown; form?: URLSearchParams }): Promise<Page>;
  /** The `Cookie` header that goes to this address. */
  cookie(url: string): string;
}

export interface VisitOptions {
  /** Posted with the first request. */
  readonly form?: URLSearchParams;
  /** Redirects to addresses that begin so are not followed. */
  readonly until?: string;
}

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  /** Where it would lead on to. */
  readonly location?: string;
}

const MOST_HOPS = 15;

export function createBrowser(): Browser {
  const jar = new Map<string, string>();
  // As in browsers, a cookie belongs to a host and not to a port.
  const cookie = (url: string): string =>
    [...jar]
      .filter(([key]) => key.startsWith(`${new URL(url).hostname} `))
      .map(([, pair]) => pair)
      .join('; ');
  const hop = async (url: string, init: RequestInit): Promise<Response> => {
    const { hostname, origin } = new URL(url);
    const headers = new Headers(init.headers);
    if (cookie(url) !== '') headers.set('cookie', cookie(url));
    if (init.method && init.method !== 'GET') headers.set('origin', origin);
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) keep(jar, hostname, line);
    return response;
  };
  return {
    cookie,
    async visit(start, { form: first, until } = {}) {
      let url = start;
      let init: RequestInit = first ? { method: 'POST', body: first } : { method: 'GET' };
      for (let hops = 0; hops < MOST_HOPS; hops++) {
        const response = await hop(url, init);
        const text = await response.text();
        const next = nextOf(response, text);
        if (!next) return { url, status: response.status, text };
        if (until !== undefined && next.to.startsWith(until))
          return { url, status: response.status, text, location: next.to };
        url = new URL(next.to, url).href;
        init = next.init;
      }
      throw new Error('the sign-in goes round in circles');
    },
    async send(url, { method = 'GET', json, form } = {}) {
      const asJson = json === undefined ? {} : { body: JSON.stringify(json), headers: JSON_TYPE };
      const response = await hop(url, { method, ...asJson, ...(form ? { body: form } : {}) });
      const location = response.headers.get('location');
      const text = await response.text();
      return { url, status: response.status, text, ...(location === null ? {} : { location }) };
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function keep(jar: Map<string, string>, hostname: string, line: string): void {
  const [pair = '', ...attributes] = line.split(';');
  const name = pair.slice(0, pair.indexOf('=')).trim();
  const over = attributes.some((attribute) => {
    const [key = '', value = ''] = attribute.trim().split('=');
    if (key.toLowerCase() === 'max-age') return Number(value) <= 0;
    return key.toLowerCase() === 'expires' && Date.parse(value) <= Date.now();
  });
  if (over) jar.delete(`${hostname} ${name}`);
  else jar.set(`${hostname} ${name}`, pair.trim());
}

/** Where a browser goes by itself from here. */
function nextOf(response: Response, text: string): { to: string; init: RequestInit } | undefined {
  const location = response.headers.get('location');
  if (location !== null) return { to: location, init: { method: 'GET' } };
  const form = response.ok ? selfPostingForm(text) : undefined;
  return form && { to: form.action, init: { method: 'POST', body: form.fields } };
}

/** OAuth 2.0 Form Post Response Mode §2: a page whose script posts its one form. */
function selfPostingForm(html: string): PageForm | undefined {
  return /\.submit\(\)/.test(html) ? formOf(html) : undefined;
}

export interface PageForm {
  readonly action: string;
  /** What it holds before a button is pressed. */
  readonly fields: URLSearchParams;
}

/** The one form of a page. */
export function formOf(html: string): PageForm | undefined {
  const form = /<form\b[^>]*\bmethod="post"[^>]*>/i.exec(html)?.[0];
  if (!form) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of html.matchAll(/<input\b[^>]*>/gi)) {
    const name = attributeOf(input, 'name');
    if (name !== undefined) fields.append(name, attributeOf(input, 'value') ?? '');
  }
  return { action: attributeOf(form, 'action') ?? '', fields };
}

function attributeOf(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1];
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#x27;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
