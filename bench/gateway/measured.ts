import { startGateway } from '../../easyauth/gateway.js';

/** The gateway in a process of its own (`--expose-gc`) that tells, when asked, how much its heap holds after collecting garbage. */
const options: Parameters<typeof startGateway>[0] = { ...JSON.parse(process.argv[2] ?? '{}'), log: () => {} };
const { url } = await startGateway(options);
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.({ heap: process.memoryUsage().heapUsed, rss: process.memoryUsage().rss });
});
process.send?.({ url });
