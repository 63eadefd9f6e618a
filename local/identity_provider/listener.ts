import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Core } from './core.js';
import { claimedCall } from './entra/token.js';
import { faultReply, waitOut } from './fault_player.js';
import type { Fault } from './faults.js';
import { type Incoming, readIncoming, UnreadableRequest } from './http/incoming.js';
import { jsonReply, type Reply, sendReply, withHeaders } from './http/reply.js';

const MAX_HEADER_BYTES = 64 * 1024;

export type Serve = (incoming: Incoming) => Reply | Promise<Reply>;

/** An HTTP server on 127.0.0.1 that is listening but does not answer yet; fails as `listen` does. */
export async function listen(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port };
}

function takeFault(core: Core, incoming: Incoming): Fault | undefined {
  if (incoming.path.startsWith('/_admin')) return undefined;
  return core.faults.take({ path: incoming.path, ...claimedCall(incoming) });
}

function failureReply(core: Core, error: unknown): Reply {
  if (error instanceof UnreadableRequest) {
    const body = { error: 'invalid_request', error_description: error.message };
    return jsonReply(error.status, body, { connection: 'close' });
  }
  // A message may quote input, so only the kind and the place are told.
  const where =
    error instanceof Error ? (error.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '') : '';
  core.log('error', 'unexpected failure', {
    kind: error instanceof Error ? error.name : 'unknown',
    where: where.trim(),
  });
  return jsonReply(500, {
    error: 'server_error',
    error_description: 'AADSTS90033: A transient error has occurred.',
  });
}

function cutAtClose(request: IncomingMessage, closing: AbortSignal): void {
  closing.addEventListener('abort', () => request.socket.destroy(), { once: true });
}

/** Answers requests of a listening server, playing injected faults first. */
export function answerWith(core: Core, serve: Serve, closing: AbortSignal) {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const incoming = await readIncoming(request);
    const fault = takeFault(core, incoming);
    if (fault?.hang) return cutAtClose(request, closing);
    if (fault !== undefined) await waitOut(fault, closing);
    const reply =
      (fault && faultReply(fault, { now: core.now(), baseUrl: core.baseUrl, path: incoming.path })) ??
      (await serve(incoming));
    if (fault?.resetAfterProcessing) request.socket.resetAndDestroy();
    // A connection kept alive would hold up the close.
    else sendReply(response, closing.aborted ? withHeaders(reply, { connection: 'close' }) : reply);
  };
  return (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return;
      sendReply(response, failureReply(core, error));
    });
  };
}
