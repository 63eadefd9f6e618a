import { ConfigError, messageOf } from '../errors.js';
import { type Gateway, runGateway } from '../gateway.js';
import { createConsoleLog } from '../log.js';
import { isToWorker, type ToPrimary, type ToWorker } from './messages.js';
import { createWorkerPeers } from './worker_peers.js';

/**
 * Serves in a worker process what the first process says, until told to stop. Signals go to the first process alone, which a
 * terminal's Ctrl-C reaches too; when it is gone, however it went, node:cluster ends this one.
 */
export function runWorker(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  // Until it listens nothing else keeps the process, and a module loaded before may have let go of the channel.
  process.channel?.ref();
  const send = (message: ToPrimary) => {
    if (process.connected) process.send?.(message);
  };
  const peers = createWorkerPeers(send);
  let gateway: Promise<Gateway> | undefined;

  const start = async ({ plan, prunes, level, format }: Extract<ToWorker, { kind: 'start' }>) => {
    const log = createConsoleLog(level, format);
    try {
      gateway = runGateway(plan, { env: process.env, now: Date.now, log, peers, prunes });
      await gateway;
      send({ kind: 'listening' });
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
      process.send?.({ kind: 'failed', problems } satisfies ToPrimary, () => process.exit(1));
    }
  };
  const stop = async () => {
    try {
      await (await gateway)?.close();
      process.exit(0);
    } catch {
      process.exit(1);
    }
  };
  process.on('message', (message: unknown) => {
    if (!isToWorker(message)) return;
    if (message.kind === 'start') void start(message);
    else if (message.kind === 'stop') void stop();
    else peers.hear(message);
  });
  send({ kind: 'here' });
}
