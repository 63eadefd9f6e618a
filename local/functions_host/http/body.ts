import type { IncomingMessage } from 'node:http';

/** Azure's limit on a request body, unless `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` sets another. */
export const defaultBodyLimit = 104_857_600;

/**
 * The body of a request that declares its length; a chunked one arrives empty, as on Azure. Undefined when the client
 * went away before sending all of it.
 */
export function readDeclaredBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const length = Number(req.headers['content-length'] ?? 0);
  if (!(length > 0)) {
    req.resume();
    return Promise.resolve(Buffer.alloc(0));
  }
  return readBody(req, length);
}

/** At most `limit` bytes, however they are sent. Undefined when there are more, or when the client went away. */
export function readBody(req: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else resolve(undefined);
    });
    req.on('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks, size));
    });
    req.on('close', () => resolve(undefined));
    req.on('error', () => resolve(undefined));
  });
}
