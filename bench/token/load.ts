import { connect, type Socket } from 'node:net';

export interface LoadTarget {
  readonly url: string;
  /** The whole request, head and body, for the n-th call of a run. */
  readonly request: (n: number) => Buffer;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly p99Ms: number;
}

const CONNECTIONS = 50;
/** Runs that are never the same to a server that remembers what it saw. */
let sent = 0;

/**
 * Posts over 50 kept-alive connections, one request at a time on each, for so many seconds. Written here because on two cores a load
 * generator that parses and checks everything takes half of what is to be measured.
 * @throws Error for any answer but 200
 */
export async function load({ url, request }: LoadTarget, seconds: number): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const times: number[] = [];
  const start = performance.now();
  const until = start + seconds * 1000;
  const client = () =>
    openClient({ host: hostname === 'localhost' ? '127.0.0.1' : hostname, port: Number(port) });
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, client));
  await Promise.all(
    clients.map(async ({ call }) => {
      while (performance.now() < until) {
        const began = performance.now();
        await call(request(sent++));
        times.push(performance.now() - began);
      }
    }),
  );
  const took = (performance.now() - start) / 1000;
  for (const { socket } of clients) socket.destroy();
  times.sort((a, b) => a - b);
  const p99Ms = times[Math.floor(times.length * 0.99)] ?? Number.NaN;
  return { perSecond: times.length / took, requests: times.length, p99Ms };
}

interface Client {
  readonly socket: Socket;
  readonly call: (request: Buffer) => Promise<void>;
}

function openClient(address: { host: string; port: number }): Promise<Client> {
  const socket = connect({ ...address, noDelay: true });
  let waiting: { done: () => void; failed: (error: Error) => void } | undefined;
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text = text === '' ? chunk : text + chunk;
    if (!isWhole(text)) return;
    const answer = text;
    text = '';
    if (answer.startsWith('HTTP/1.1 200')) waiting?.done();
    else waiting?.failed(new Error(`not answered with 200: ${answer.slice(0, 600)}`));
  });
  socket.on('close', () => waiting?.failed(new Error('the connection was closed')));
  socket.on('error', (error) => waiting?.failed(error));
  const call = (request: Buffer) =>
    new Promise<void>((done, failed) => {
      waiting = { done, failed };
      socket.write(request);
    });
  return new Promise((resolve) => socket.once('connect', () => resolve({ socket, call })));
}

/** One answer at a time comes over a connection, so its end is the end of what has come. */
function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head + 2))?.[1];
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= head + 4 + Number(length);
}

/** A form post as it goes over the wire. */
export function post(url: string, headers: Readonly<Record<string, string>>, body: string): Buffer {
  const { host, pathname } = new URL(url);
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
