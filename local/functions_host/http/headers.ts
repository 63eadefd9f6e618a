import { timingSafeEqual } from 'node:crypto';

/** The header with which the gateway proves itself; never seen by a function. */
export const gatewaySecretHeader = 'x-easyauth-gateway-secret';

const platformHeader = /^(?:x-ms-(?:client-principal|token-)|x-arr-clientcert$)/;

/**
 * Kestrel's limits on what a client may send: 32 KiB of header lines, 100 of them. Behind the gateway as many bytes again,
 * because principal, tokens and a chunked cookie alone can fill the first 32 KiB and the client's own must still fit.
 */
export const headerLimits = { bytes: 32 * 1024, bytesFromGateway: 64 * 1024, fields: 100 };

export interface RequestHeaders {
  /** Lower-case names; repeated headers joined with a comma and no space, Cookie included. */
  headers: Record<string, string>;
  /** The gateway's secret was there and right. */
  fromGateway: boolean;
  tooLarge: boolean;
}

export type HeaderReader = (rawHeaders: readonly string[]) => RequestHeaders;

/**
 * Reads request headers. The platform's own (`x-ms-client-principal*`, `x-ms-token-*`, `x-arr-clientcert`) pass only on a request that
 * carries `gatewaySecret`; with no secret configured they never do. The gateway's own header does not count as the client's.
 */
export function createHeaderReader(gatewaySecret: string | undefined): HeaderReader {
  const expected = gatewaySecret ? Buffer.from(gatewaySecret, 'latin1') : undefined;
  return (rawHeaders) => {
    const headers: Record<string, string> = Object.create(null);
    let bytes = 0;
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index]?.toLowerCase() ?? '';
      const value = rawHeaders[index + 1] ?? '';
      const before = headers[name];
      headers[name] = before === undefined ? value : `${before},${value}`;
      if (name !== gatewaySecretHeader) bytes += name.length + value.length + 4;
    }
    const fromGateway = matches(headers[gatewaySecretHeader], expected);
    const fields = rawHeaders.length / 2 - (gatewaySecretHeader in headers ? 1 : 0);
    strip(headers, fromGateway);
    const most = fromGateway ? headerLimits.bytesFromGateway : headerLimits.bytes;
    return { headers, fromGateway, tooLarge: bytes > most || fields > headerLimits.fields };
  };
}

function strip(headers: Record<string, string>, fromGateway: boolean): void {
  for (const name in headers) {
    if (name === gatewaySecretHeader || (!fromGateway && platformHeader.test(name))) delete headers[name];
  }
}

function matches(given: string | undefined, expected: Buffer | undefined): boolean {
  if (given === undefined || expected === undefined || given.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(given, 'latin1'), expected);
}

const hostPattern = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** The beginning of `request.url`: what the client asked for, or what the gateway says it asked for. Undefined for an invalid Host. */
export function readOrigin(
  { headers, fromGateway }: RequestHeaders,
  fallbackHost: string,
): string | undefined {
  const forwardedHost = fromGateway ? headers['x-forwarded-host'] : undefined;
  const host = forwardedHost ?? headers.host ?? fallbackHost;
  if (!hostPattern.test(host)) return undefined;
  const proto = fromGateway ? headers['x-forwarded-proto']?.toLowerCase() : undefined;
  return `${proto === 'https' ? 'https' : 'http'}://${host}`;
}
