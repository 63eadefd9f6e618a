import type { IncomingMessage } from 'node:http';
import { isRecord } from '../config/reader.js';

const largest = 128_000;

/**
 * A posted JSON object, at most 128 kB; undefined when it is larger, of another type or no object. Only `application/json` counts:
 * a page of another site can send other types without asking.
 */
export async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      const part: Buffer = chunk;
      size += part.length;
      if (size > largest) return undefined;
      chunks.push(part);
    }
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
