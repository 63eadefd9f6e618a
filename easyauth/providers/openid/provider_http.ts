import { Agent, type Dispatcher, request } from 'undici';
import { messageOf, ProviderError } from '../../errors.js';

const timeoutMs = 10_000;
const largestBody = 1_000_000;

export interface ProviderAnswer {
  readonly status: number;
  /** The answer as JSON; undefined when it is none. */
  readonly body: unknown;
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

/** Calls to identity providers: no redirects, bounded in time and size. Headers and forms are never logged. */
export interface ProviderHttp {
  get(url: string, headers?: Headers): Promise<ProviderAnswer>;
  /** Sends a form. */
  post(url: string, form: URLSearchParams, headers?: Headers): Promise<ProviderAnswer>;
  close(): Promise<void>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const part: Buffer = chunk;
    size += part.length;
    if (size > largestBody) throw new ProviderError('unreachable', 'the answer is too large');
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Opens the client. Every call ends within 10 s.
 * @throws ProviderError `unreachable` from each call that brings no complete answer
 */
export function createProviderHttp(): ProviderHttp {
  const agent = new Agent({ connect: { timeout: 5_000 }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const call = async (
    url: string,
    options: { method: 'GET' | 'POST'; body?: string; headers: Record<string, string> },
  ) => {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await request(url, { ...options, dispatcher: agent, signal });
      const text = await readText(answer.body);
      return { status: answer.statusCode, body: parsed(text), text };
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      throw new ProviderError('unreachable', `${new URL(url).origin} gives no answer: ${messageOf(error)}`);
    }
  };
  const usual = { accept: 'application/json', 'user-agent': 'easyauth' };
  return {
    get: (url, headers) => call(url, { method: 'GET', headers: { ...usual, ...headers } }),
    post: (url, form, headers) =>
      call(url, {
        method: 'POST',
        body: form.toString(),
        headers: { ...usual, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      }),
    close: () => agent.destroy(),
  };
}
