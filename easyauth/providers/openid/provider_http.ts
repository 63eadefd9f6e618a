import { Agent, type Dispatcher, request } from 'undici';
import { messageOf, ProviderError } from '../../errors.js';

const timeoutMs = 10_000;
const largestBody = 1_000_000;

export interface ProviderAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Calls to identity providers: JSON answers, no redirects, bounded in time and size. */
export interface ProviderHttp {
  get(url: string): Promise<ProviderAnswer>;
  /** Sends a form. Header and body are never logged. */
  post(url: string, form: URLSearchParams): Promise<ProviderAnswer>;
  close(): Promise<void>;
}

async function readBody(body: Dispatcher.ResponseData['body']): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const part: Buffer = chunk;
    size += part.length;
    if (size > largestBody) throw new ProviderError('unreachable', 'the answer is too large');
    chunks.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
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
      return { status: answer.statusCode, body: await readBody(answer.body) };
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      throw new ProviderError('unreachable', `${new URL(url).origin} gives no answer: ${messageOf(error)}`);
    }
  };
  const accept = 'application/json';
  return {
    get: (url) => call(url, { method: 'GET', headers: { accept } }),
    post: (url, form) =>
      call(url, {
        method: 'POST',
        body: form.toString(),
        headers: { accept, 'content-type': 'application/x-www-form-urlencoded' },
      }),
    close: () => agent.destroy(),
  };
}
