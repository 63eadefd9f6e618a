/**
 * Loaded into every part with `--import`. The channel to the supervisor closes when the supervisor is gone, however it went:
 * a part never outlives it holding ports.
 */
if (process.channel) {
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
