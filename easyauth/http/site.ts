import type { IncomingMessage } from 'node:http';
import type { ProxySettings } from '../config/settings.js';
import { isLoopbackHost } from '../config/values.js';

/** Where the browser believes it is. */
export interface Site {
  /** `https://app.example`, without a closing slash. */
  readonly origin: string;
  /** Host with port, as in the Host header. */
  readonly host: string;
  readonly secure: boolean;
  readonly loopback: boolean;
}

const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

function single(request: IncomingMessage, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const value = request.headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  return text?.split(',')[0]?.trim();
}

/**
 * The public address of a request: from Host and the connection, or from the forwarded headers when the configuration trusts the
 * proxy that sets them. Undefined when the host is missing or not a host.
 */
export function siteOf(request: IncomingMessage, proxy: ProxySettings): Site | undefined {
  const host = single(request, proxy.hostHeader) ?? request.headers.host;
  if (host === undefined || !hostForm.test(host)) return undefined;
  const forwarded = single(request, proxy.protoHeader)?.toLowerCase();
  const encrypted = 'encrypted' in request.socket && request.socket.encrypted === true;
  const secure = forwarded === undefined ? encrypted : forwarded === 'https';
  return siteAt(`${secure ? 'https' : 'http'}://${host}`, secure);
}

const sites = new Map<string, Site>();
const mostSites = 500;

/** Parsing an address costs more than everything else said here, and a gateway is asked under few names. */
function siteAt(address: string, secure: boolean): Site | undefined {
  const known = sites.get(address);
  if (known !== undefined) return known;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  const site = { origin: url.origin, host: url.host, secure, loopback: isLoopbackHost(url.hostname) };
  if (sites.size >= mostSites) sites.clear();
  if (address.length < 300) sites.set(address, site);
  return site;
}
