const windowMs = 60_000;
const most = 5;

/**
 * How long to wait before the next restart of a worker, in milliseconds: longer each time within a minute. Undefined after the
 * fifth: what keeps ending would only fill the log.
 * @param now milliseconds of any steady clock
 */
export function createRestartBudget(now: () => number): () => number | undefined {
  let restarts: number[] = [];
  return () => {
    restarts = restarts.filter((at) => now() - at < windowMs);
    if (restarts.length >= most) return undefined;
    restarts.push(now());
    return restarts.length === 1 ? 0 : 25 * 2 ** restarts.length;
  };
}
