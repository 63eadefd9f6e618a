import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../easyauth/free_port.js';
import { createBrowser } from '../../local/demo/browser.js';
import { type Candidate, missing, type RawHeaders, sizeOf } from './candidate.js';
import { answering, installed, start } from './process.js';

const modules = '/usr/lib/apache2/modules';

interface Wanted {
  readonly upstream: string;
  readonly inject: RawHeaders;
  readonly directory: string;
}

interface Oidc extends Wanted {
  readonly port: number;
  readonly metadata: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly loginHint: string;
}

function base(port: number, directory: string, upstream: string, extra: readonly string[]): string {
  const loaded = [
    'mpm_event',
    'authn_core',
    'authz_core',
    'authz_user',
    'headers',
    'proxy',
    'proxy_http',
    ...extra,
  ];
  return `ServerRoot "${directory}"
ServerName localhost
PidFile "${directory}/apache.pid"
Listen 127.0.0.1:${port}
${loaded.map((module) => `LoadModule ${module}_module ${modules}/mod_${module}.so`).join('\n')}
User www-data
Group www-data
ErrorLog /dev/stderr
LogLevel error
KeepAlive On
MaxKeepAliveRequests 0
LimitRequestFieldSize 65536
ThreadsPerChild 50
ProxyPass "/" "${upstream}/" keepalive=On
`;
}

function requestHeaders(inject: RawHeaders): string {
  return inject
    .map((name, index) => (index % 2 === 0 ? `RequestHeader set ${name} "${inject[index + 1] ?? ''}"` : ''))
    .filter((line) => line !== '')
    .join('\n');
}

async function run(directory: string, config: string) {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const file = join(directory, 'apache.conf');
  await writeFile(file, config);
  return start('/usr/sbin/apache2', ['-f', file, '-DFOREGROUND']);
}

/** Apache's `proxy_http` as Debian has it, adding the same headers without deciding anything. */
export async function apache({ upstream, inject, directory }: Wanted): Promise<Candidate> {
  const name = 'Apache proxy_http';
  if (installed('/usr/sbin/apache2') === undefined) return missing(name, 'Debian apache2');
  const port = await freePort();
  const { stop, cpuTime } = await run(
    directory,
    base(port, directory, upstream, []) + requestHeaders(inject),
  );
  const url = `http://127.0.0.1:${port}/`;
  await answering(url);
  return { name, target: { url, cookie: '' }, note: 'no authentication, headers constant', stop, cpuTime };
}

function openidc(wanted: Oidc, pad: RawHeaders): string {
  return `${base(wanted.port, wanted.directory, wanted.upstream, ['auth_openidc'])}
# Our sign-in is no page of a browser, which this module would answer with 401.
RequestHeader unset Sec-Fetch-Mode early
OIDCProviderMetadataURL ${wanted.metadata}
OIDCClientID ${wanted.clientId}
OIDCClientSecret ${wanted.clientSecret}
OIDCRedirectURI http://localhost:${wanted.port}/callback
OIDCResponseType code
OIDCScope "openid profile email offline_access"
OIDCAuthRequestParams login_hint=${encodeURIComponent(wanted.loginHint)}
OIDCCryptoPassphrase a-passphrase-for-measuring-only
OIDCSessionType server-cache
OIDCCacheType shm
OIDCCacheShmEntrySizeMax 65536
OIDCPassIDTokenAs claims serialized
OIDCPassRefreshToken On
OIDCSSLValidateServer Off
<Location "/">
  AuthType openid-connect
  Require valid-user
  ${requestHeaders(pad)}
</Location>
`;
}

async function signIn(port: number): Promise<{ url: string; cookie: string; headers: RawHeaders }> {
  const url = `http://localhost:${port}/`;
  const browser = createBrowser();
  const page = await browser.visit(`${url}seen`);
  if (page.status !== 200)
    throw new Error(`the sign-in through Apache ended with ${page.status}: ${page.text.slice(0, 300)}`);
  const cookie = browser
    .cookie(url)
    .split('; ')
    .filter((pair) => pair.startsWith('mod_auth_openidc_session'));
  const seen: unknown = JSON.parse(page.text);
  const headers = Array.isArray(seen) ? seen.map(String) : [];
  return { url, cookie: cookie.join('; '), headers: added(headers) };
}

/** The headers that come from the authentication, not from the client. */
function added(headers: RawHeaders): RawHeaders {
  return headers.filter((_text, index) => /^oidc[_-]/i.test(headers[index - (index % 2)] ?? ''));
}

/** Apache running with a signed-in user; ended again when the sign-in fails. */
async function signedIn(wanted: Oidc, pad: RawHeaders) {
  const started = await run(wanted.directory, openidc(wanted, pad));
  try {
    await answering(`http://localhost:${wanted.port}/`);
    return { ...started, ...(await signIn(wanted.port)) };
  } catch (error) {
    await started.stop();
    throw error;
  }
}

/** Apache with mod_auth_openidc and its server-side cache, signed in at the same provider; padded to the same size of headers. */
export async function apacheOidc(wanted: Oidc): Promise<Candidate> {
  const name = 'Apache mod_auth_openidc';
  if (
    installed('/usr/sbin/apache2') === undefined ||
    installed(`${modules}/mod_auth_openidc.so`) === undefined
  )
    return missing(name, 'Debian apache2, libapache2-mod-auth-openidc');
  const { headers, stop: stopFirst } = await signedIn(wanted, []);
  await stopFirst();
  const short = Math.max(sizeOf(wanted.inject) - sizeOf(headers), 0);
  const pad = short > 8 ? ['X-Pad', 'x'.repeat(short - 9)] : [];
  const { url, cookie, stop, cpuTime } = await signedIn(wanted, pad);
  const bytes = sizeOf(headers) + short;
  return {
    name,
    target: { url, cookie },
    note: `server-side cache (shm), ${bytes} bytes injected`,
    stop,
    cpuTime,
  };
}
