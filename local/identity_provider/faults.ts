/** What to do to the next `count` matching calls. What is not given does not narrow the match. */
export type Fault = Readonly<{
  /** Matches a request path that is this or ends in it. */
  path?: string;
  grant?: string;
  client?: string;
  count: number;
  status?: number;
  error?: string;
  code?: number;
  suberror?: string;
  /** Seconds, sent as `Retry-After`; alone it means 429. */
  retryAfter?: number;
  delayMs?: number;
  /** Never answer. */
  hang?: boolean;
  /** Do the work, then cut the connection instead of answering. */
  resetAfterProcessing?: boolean;
  /** Sent as it is (a string) or as JSON instead of the usual error body. */
  body?: unknown;
}>;

export type FaultedCall = Readonly<{ path: string; grant: string | undefined; client: string | undefined }>;

export type Faults = Readonly<{
  add: (fault: Fault) => void;
  clear: () => void;
  pending: () => readonly Fault[];
  /** Uses up one count of the oldest matching fault. */
  take: (call: FaultedCall) => Fault | undefined;
}>;

function matches(fault: Fault, call: FaultedCall): boolean {
  const { path, grant, client } = fault;
  const tail = path === undefined || path.startsWith('/') ? path : `/${path}`;
  return (
    (tail === undefined || call.path.endsWith(tail)) &&
    (grant === undefined || grant === call.grant) &&
    (client === undefined || client === call.client)
  );
}

/** Whether a fault answers by itself, rather than only delaying or cutting. */
export function hasAnswer({ status, error, code, retryAfter, body }: Fault): boolean {
  return [status, error, code, retryAfter, body].some((part) => part !== undefined);
}

/** Faults wait in memory only: a restart clears them. */
export function createFaults(): Faults {
  let list: Fault[] = [];
  return {
    add: (fault) => {
      list.push(fault);
    },
    clear: () => {
      list = [];
    },
    pending: () => list,
    take: (call) => {
      const index = list.findIndex((fault) => matches(fault, call));
      const found = list[index];
      if (found === undefined) return undefined;
      if (found.count > 1) list[index] = { ...found, count: found.count - 1 };
      else list.splice(index, 1);
      return found;
    },
  };
}
