/**
 * Loaded into every part with `--import`. The channel to the supervisor closes when the supervisor is gone, however it went:
 * a part never outlives it holding ports.
 */
// What is still said then goes nowhere. Unheard, the broken pipe would be an uncaught error, which is logged, which breaks again.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

if (process.channel) {
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
