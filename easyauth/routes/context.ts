import type { Sealer } from '../crypto/seal.js';
import type { CallerDeps } from '../gate/caller.js';
import type { CsrfCheck } from '../gate/csrf.js';
import type { Incoming } from '../http/incoming.js';
import type { Reply } from '../http/reply.js';
import type { Provider } from '../providers/provider.js';
import type { NativeCodes } from '../session/native_code.js';
import type { TokenVault } from '../store/token_vault.js';

/** What the gateway's own routes work with. */
export interface RouteContext extends CallerDeps {
  /** Undefined when the token store is off. */
  readonly vault: TokenVault | undefined;
  readonly nonceSealer: Sealer;
  readonly nativeCodes: NativeCodes;
  readonly isForged: CsrfCheck;
}

/** A route of the gateway. It decides and answers; it never touches the socket. */
export type Route = (context: RouteContext, incoming: Incoming) => Promise<Reply> | Reply;

/** The address of a gateway route for the outside. */
export function ownUrl({ settings }: RouteContext, incoming: Incoming, route: string): string {
  return `${incoming.site.origin}${settings.apiPrefix}/${route}`;
}

/** The address a provider returns the browser to. */
export function callbackUrl(context: RouteContext, incoming: Incoming, { alias }: Provider): string {
  return ownUrl(context, incoming, `login/${alias}/callback`);
}

/** Whether a redirect parameter may be followed is decided by these rules everywhere. */
export function redirectRules({ settings }: RouteContext, incoming: Incoming) {
  return { origin: incoming.site.origin, allowed: settings.allowedExternalRedirectUrls };
}
