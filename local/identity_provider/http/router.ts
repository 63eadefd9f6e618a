import type { Incoming } from './incoming.js';
import { jsonReply, type Reply } from './reply.js';

export type PathParams = Readonly<Record<string, string>>;
export type Handler = (incoming: Incoming, params: PathParams) => Reply | Promise<Reply>;
/** One path. A segment beginning with `:` matches any one segment and is handed over decoded. */
export type Route = Readonly<{ path: string; methods: Readonly<Record<string, Handler>> }>;

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function matchPath(pattern: string, path: string): PathParams | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const have = decode(given[index] ?? '');
    if (have === undefined) return undefined;
    if (want.startsWith(':')) params[want.slice(1)] = have;
    else if (want !== have) return undefined;
  }
  return params;
}

/** One handler over a list of routes; the first whose path matches is used. 404 for no path, 405 for a wrong method. */
export function createRouter(routes: readonly Route[]): (incoming: Incoming) => Reply | Promise<Reply> {
  return (incoming) => {
    for (const { path, methods } of routes) {
      const params = matchPath(path, incoming.path);
      if (params === undefined) continue;
      const handler = Object.hasOwn(methods, incoming.method) ? methods[incoming.method] : undefined;
      if (handler !== undefined) return handler(incoming, params);
      const allow = Object.keys(methods).join(', ');
      return jsonReply(405, { error: 'method_not_allowed' }, { allow });
    }
    return jsonReply(404, { error: 'not_found' });
  };
}
