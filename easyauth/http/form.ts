import type { IncomingMessage } from 'node:http';
import { readBody } from './body.js';

const largest = 512_000;

/** A posted form, at most 512 kB; undefined when it is larger, of another type or cut short. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const text = await readBody(request, 'application/x-www-form-urlencoded', largest);
  return text === undefined ? undefined : new URLSearchParams(text);
}
