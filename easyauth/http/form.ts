import type { IncomingMessage } from 'node:http';

const largest = 512_000;

/** A posted form, at most 512 kB; undefined when it is larger, of another type or cut short. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      const part: Buffer = chunk;
      size += part.length;
      if (size > largest) return undefined;
      chunks.push(part);
    }
  } catch {
    return undefined;
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
