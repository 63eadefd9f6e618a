import type { IncomingMessage } from 'node:http';
import { isRecord } from '../config/reader.js';
import { readBody } from './body.js';

const largest = 128_000;

/**
 * A posted JSON object, at most 128 kB; undefined when it is larger, of another type or no object. Only `application/json` counts:
 * a page of another site can send other types without asking.
 */
export async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const text = await readBody(request, 'application/json', largest);
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
