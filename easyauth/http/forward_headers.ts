import type { Site } from './site.js';

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
]);

/** Headers that some servers let override the path or the identity; only the platform may set them. */
const platform = new Set([
  'x-easyauth-gateway-secret',
  'x-arr-clientcert',
  'x-original-url',
  'x-rewrite-url',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-for',
]);

const fromProxyOnly = new Set(['forwarded', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-scheme']);
const neverNominated = new Set(['host', 'content-length', 'content-type', 'authorization', 'cookie']);

/** The name as an app behind CGI-like variables would see it: `X_MS.Token` is `x-ms-token` there. */
function folded(name: string): string {
  return name.replace(/[^a-z0-9]/g, '-');
}

/** Whether only the gateway may set a header of this (lower-case) name (reference §2.5). */
export function isPlatformHeader(name: string): boolean {
  const flat = folded(name);
  return flat.startsWith('x-ms-client-principal') || flat.startsWith('x-ms-token-') || platform.has(flat);
}

/** A header name as it came, judged once. */
interface HeaderName {
  readonly lower: string;
  readonly fate: 'pass' | 'hop' | 'platform' | 'proxy';
}

const judged = new Map<string, HeaderName>();
const mostJudged = 2_000;

/** Requests bring the same names over and over; remembering what they are saves a tenth of the work on a request. */
function judge(name: string): HeaderName {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const fate = hopByHop.has(lower)
    ? 'hop'
    : isPlatformHeader(lower)
      ? 'platform'
      : fromProxyOnly.has(lower)
        ? 'proxy'
        : 'pass';
  if (judged.size >= mostJudged) judged.clear();
  if (name.length < 100) judged.set(name, { lower, fate });
  return { lower, fate };
}

const nobody: ReadonlySet<string> = new Set();

/** Header names that a Connection header declares to be for one hop (RFC 9110 §7.6.1). */
function nominated(raw: readonly string[]): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    if (judge(raw[index] ?? '').lower !== 'connection') continue;
    names ??= new Set();
    for (const name of (raw[index + 1] ?? '').split(',')) names.add(name.trim().toLowerCase());
  }
  if (names === undefined) return nobody;
  for (const name of neverNominated) names.delete(name);
  return names;
}

export interface Forwarding {
  readonly site: Site;
  readonly remoteAddress: string | undefined;
  readonly trustedProxy: boolean;
  /** Raw headers of the gateway: name, value, name, value. */
  readonly inject: readonly string[];
  readonly gatewaySecret: string | undefined;
}

function forwardedFor(raw: readonly string[], { remoteAddress, trustedProxy }: Forwarding): string {
  const before: string[] = [];
  if (trustedProxy)
    for (let index = 0; index < raw.length; index += 2)
      if (raw[index]?.toLowerCase() === 'x-forwarded-for') before.push(raw[index + 1] ?? '');
  return [...before, remoteAddress ?? 'unknown'].join(', ');
}

/**
 * The headers for the app, as a raw array: what came in, without hop-by-hop headers and without anything only the platform may
 * set, then the gateway's own. Nothing from outside is read after ours are added, so no header can remove them.
 */
export function forwardHeaders(raw: readonly string[], forwarding: Forwarding): string[] {
  const once = nominated(raw);
  const out: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const { lower, fate } = judge(name);
    if (fate === 'hop' || fate === 'platform' || once.has(lower)) continue;
    if (fate === 'proxy' && !forwarding.trustedProxy) continue;
    out.push(name, raw[index + 1] ?? '');
  }
  const { site, inject, gatewaySecret } = forwarding;
  out.push('X-Forwarded-For', forwardedFor(raw, forwarding));
  out.push('X-Forwarded-Proto', site.secure ? 'https' : 'http', 'X-Forwarded-Host', site.host);
  if (gatewaySecret !== undefined) out.push('x-easyauth-gateway-secret', gatewaySecret);
  for (const item of inject) out.push(item);
  return out;
}

/** The app's response headers for the client: without what belongs to the hop. */
export function responseHeaders(raw: readonly string[]): string[] {
  const once = nominated(raw);
  const out: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const { lower, fate } = judge(name);
    if (fate !== 'hop' && !once.has(lower)) out.push(name, raw[index + 1] ?? '');
  }
  return out;
}
