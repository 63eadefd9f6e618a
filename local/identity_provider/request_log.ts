const CAPACITY = 500;

/** One call of a token endpoint. Names and codes only: no token, secret or free text. */
export type RequestEntry = Readonly<{
  time: string;
  grant: string;
  client?: string;
  /** Object id of the user. */
  user?: string;
  scope?: string;
  status: number;
  /** `ok`, or the provider's error code. */
  outcome: string;
}>;

export type RequestLog = Readonly<{
  record: (entry: RequestEntry) => void;
  /** The last 500, oldest first. */
  entries: () => readonly RequestEntry[];
  /** Calls since the start, by `grant outcome`. */
  counters: () => Readonly<Record<string, number>>;
}>;

/** A bounded memory of token-endpoint calls. */
export function createRequestLog(): RequestLog {
  const ring: RequestEntry[] = [];
  const counts = new Map<string, number>();
  return {
    record: (entry) => {
      ring.push(entry);
      if (ring.length > CAPACITY) ring.shift();
      const key = `${entry.grant} ${entry.outcome}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    entries: () => ring,
    counters: () => Object.fromEntries(counts),
  };
}
