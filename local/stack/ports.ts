import { createServer, type Server } from 'node:net';
import { StackFault } from './fault.js';

/** The settings that name a port, and what they are without one. */
const DEFAULTS = {
  EASYAUTH_PORT: 8080,
  FUNCTIONS_PORT: 7071,
  IDP_PORT: 9400,
  AZURITE_BLOB_PORT: 10000,
  AZURITE_QUEUE_PORT: 10001,
  AZURITE_TABLE_PORT: 10002,
} as const;

export type PortSetting = keyof typeof DEFAULTS;
export type Ports = Readonly<Record<PortSetting, number>>;

const HOST = '127.0.0.1';

/**
 * Settles every port before anything starts, since the parts must know each other's: 0 becomes a free one.
 * @throws StackFault naming every setting that is no port or whose port is taken
 */
export async function settlePorts(env: Readonly<Record<string, string | undefined>>): Promise<Ports> {
  const settings = Object.keys(DEFAULTS) as PortSetting[];
  const wanted = settings.map((setting) => [setting, readPort(env[setting], DEFAULTS[setting])] as const);
  const bad = wanted.filter(([, port]) => Number.isNaN(port)).map(([setting]) => setting);
  if (bad.length > 0) throw new StackFault(`not a port number: ${bad.join(', ')}`);
  const held = await Promise.allSettled(wanted.map(([, port]) => hold(port)));
  const servers = held.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const taken = wanted.filter((_, index) => held[index]?.status === 'rejected');
  const ports = held.map((result) => (result.status === 'fulfilled' ? result.value.port : 0));
  await Promise.all(servers.map(({ release }) => release()));
  if (taken.length > 0) {
    const list = taken.map(([setting, port]) => `port ${port} (${setting})`).join(', ');
    throw new StackFault(
      `already taken: ${list}. Stop what uses it, or set another port; 0 takes a free one.`,
    );
  }
  return Object.fromEntries(settings.map((setting, index) => [setting, ports[index] ?? 0])) as Ports;
}

function readPort(text: string | undefined, preset: number): number {
  if (text === undefined || text === '') return preset;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : Number.NaN;
}

/** All ports are held at once and then let go, so that two zeros never get the same one. */
function hold(port: number): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer();
    server.once('error', reject);
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ port: taken, release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
