import { setTimeout as wait } from 'node:timers/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { StoreUnavailableError } from '../store_errors.js';
import type { ContainerAccess } from './container_access.js';

/** One call ends within this; with its repetitions a caller waits three times as long at most. */
const callMs = 4_000;
const attempts = 3;
const largestBody = 8_000_000;
const serviceVersion = '2021-12-02';

export interface BlobAnswer {
  readonly status: number;
  readonly etag: string;
  /** When the blob was last written and what time the service has, in milliseconds since 1970; NaN when not said. */
  readonly modifiedAt: number;
  readonly serverTime: number;
  readonly text: string;
}

export interface BlobCall {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** The blob's name; empty for the container itself. */
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Plain calls to one blob container. */
export interface BlobClient {
  /**
   * The answer when it is one of 2xx, 304, 404 of a blob, 409 and 412; calls that fail on the way are repeated.
   * @throws StoreUnavailableError for everything else
   */
  call(call: BlobCall): Promise<BlobAnswer>;
  close(): Promise<void>;
}

type Raw = Dispatcher.ResponseData;

function header(raw: Raw, name: string): string {
  const value = raw.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

async function readText(body: Raw['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const part: Buffer = chunk;
    size += part.length;
    if (size > largestBody)
      throw new StoreUnavailableError('refused', 'the token store: a blob is too large');
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The service's own word for a failure: a fixed vocabulary, safe to log. */
function codeOf(raw: Raw): string {
  const code = header(raw, 'x-ms-error-code');
  return /^\w{1,64}$/.test(code) ? code : '';
}

const containerTrouble = new Set(['ContainerNotFound', 'ContainerBeingDeleted', 'ContainerDisabled']);

/** Why an answer is no answer; undefined when it is one. */
function trouble(raw: Raw, { name, hint }: ContainerAccess): StoreUnavailableError | undefined {
  const { statusCode: status } = raw;
  const code = codeOf(raw);
  const said = code === '' ? String(status) : `${status} ${code}`;
  if (status === 429 || status >= 500)
    return new StoreUnavailableError('unreachable', `the token store of ${name} answers ${said}`);
  const good = status < 300 || [304, 404, 409, 412].includes(status);
  if (good && !containerTrouble.has(code)) return undefined;
  const why = containerTrouble.has(code) ? 'there is no such container' : hint;
  return new StoreUnavailableError('refused', `the token store of ${name} answers ${said}: ${why}`);
}

function networkTrouble(error: unknown, host: string): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return new StoreUnavailableError('unreachable', `the token store at ${host} cannot be reached: ${code}`);
}

/** Opens the client. A SAS is part of every address it asks and of nothing it says. */
export function createBlobClient(access: ContainerAccess): BlobClient {
  const base = new URL(access.url);
  const path = base.pathname.replace(/\/+$/, '');
  const agent = new Agent({
    connect: { timeout: callMs },
    headersTimeout: callMs,
    bodyTimeout: callMs,
    keepAliveTimeout: 4_000,
  });

  const once = async ({ method, name, query = {}, headers = {}, body }: BlobCall): Promise<BlobAnswer> => {
    const url = new URL(base);
    url.pathname = name === '' ? path : `${path}/${name}`;
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const blob =
      body === undefined ? {} : { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/json' };
    const raw = await request(url, {
      method,
      dispatcher: agent,
      headers: { 'x-ms-version': serviceVersion, ...blob, ...headers, ...(await access.headers()) },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(callMs),
    });
    const text = await readText(raw.body);
    if (raw.statusCode === 401) access.refused();
    const fault = trouble(raw, access);
    if (fault !== undefined) throw fault;
    return {
      status: raw.statusCode,
      etag: header(raw, 'etag'),
      modifiedAt: Date.parse(header(raw, 'last-modified')),
      serverTime: Date.parse(header(raw, 'date')),
      text,
    };
  };

  return {
    call: async (call) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(call);
        } catch (error) {
          const fault = networkTrouble(error, base.host);
          if (fault.failure === 'refused' || attempt === attempts) throw fault;
          await wait(50 * 4 ** (attempt - 1) * (1 + Math.random()));
        }
      }
    },
    close: () => agent.destroy(),
  };
}
