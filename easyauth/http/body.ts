import type { IncomingMessage } from 'node:http';

/** A posted text of this media type; undefined when it is of another type, longer than `most` bytes or cut short. */
export async function readBody(
  request: IncomingMessage,
  type: string,
  most: number,
): Promise<string | undefined> {
  const given = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (given !== type) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      const part: Buffer = chunk;
      size += part.length;
      if (size > most) return undefined;
      chunks.push(part);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}
