// A gateway in a process of its own that says how much memory it holds: node --expose-gc measured_gateway.mjs <compiled gateway> <options>
const [, , module, options] = process.argv;
const { startGateway } = await import(module);
const gateway = await startGateway({ ...JSON.parse(options), port: 0, log: () => {} });
process.on('message', () => {
  globalThis.gc();
  globalThis.gc();
  process.send({ heap: process.memoryUsage().heapUsed });
});
process.send({ url: gateway.url });
