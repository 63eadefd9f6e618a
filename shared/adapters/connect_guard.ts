import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** All addresses of a name. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Never where a key set, a provider or a webhook is: this machine, the platform's metadata service, everybody at once. */
const never = new BlockList();
never.addSubnet('0.0.0.0', 8);
never.addSubnet('169.254.0.0', 16);
never.addSubnet('224.0.0.0', 3);
never.addAddress('::', 'ipv6');
never.addSubnet('fe80::', 10, 'ipv6');
never.addSubnet('ff00::', 8, 'ipv6');

/** This machine, by its own names: for development, and chosen by whoever wrote the settings. */
function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || isAmong(loopback, hostname);
}

function isAmong(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Refuses an address written out in a URL; the name of one is judged when it is resolved.
 * @throws Error
 */
export function assertAllowedHost(url: string): void {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  if (isAmong(never, host)) throw refused();
}

/**
 * Looks a name up for a connection and judges the very addresses that are then connected to: a name that answered well before may answer
 * otherwise now (DNS rebinding). One bad address among good ones is enough.
 */
export function createGuardedLookup(resolve: Resolve = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return callback(error ?? refused(), '', 0);
      const local = isLoopbackName(hostname);
      const bad = addresses.some(
        ({ address }) => isAmong(never, address) || isAmong(loopback, address) !== local,
      );
      if (bad) return callback(refused(), '', 0);
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

function refused(): NodeJS.ErrnoException {
  return Object.assign(new Error('the address is not one that may be called'), { code: 'EACCES' });
}
