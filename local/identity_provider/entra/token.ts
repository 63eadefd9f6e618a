import type { Core } from '../core.js';
import type { Incoming } from '../http/incoming.js';
import { jsonReply, type Reply, withHeaders } from '../http/reply.js';
import type { PathParams } from '../http/router.js';
import { type AuthenticatedClient, authenticateClient, readBasic } from './client_auth.js';
import { contextOf, errorReply, tracingHeaders } from './error_reply.js';
import { EntraError, factsOf } from './errors.js';
import { paramsOf, repeatedNames } from './form.js';
import { authorizationCodeGrant } from './grants/authorization_code.js';
import { clientCredentialsGrant } from './grants/client_credentials.js';
import { onBehalfOfGrant } from './grants/on_behalf_of.js';
import { refreshTokenGrant } from './grants/refresh_token.js';
import type { TokenBody, TokenCall } from './grants/token_call.js';
import { readTenant } from './tenants.js';

type Grant = (core: Core, call: TokenCall) => Promise<TokenBody>;

const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ['authorization_code', authorizationCodeGrant],
  ['refresh_token', refreshTokenGrant],
  ['client_credentials', clientCredentialsGrant],
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', onBehalfOfGrant],
]);

/** What the request log learns of a call, whether it ends well or not. */
type Heard = { client?: string; user?: string };

async function answer(core: Core, incoming: Incoming, segment: string, heard: Heard): Promise<TokenBody> {
  // 1. the request itself
  const path = readTenant(core.directory, segment);
  const form = incoming.form ?? new URLSearchParams();
  if (repeatedNames(form).size > 0) throw new EntraError('malformed');
  const params = paramsOf(form);
  const name = params.required('grant_type');
  const grant = GRANTS.get(name);
  if (grant === undefined) throw new EntraError('unsupportedGrant');
  if (params.has('resource')) throw new EntraError('resourceParameter');
  // 2. the client
  const proven: AuthenticatedClient = await authenticateClient(core, path, { incoming, params });
  heard.client = proven.client.app_id;
  // 3. the grant
  return grant(core, { ...proven, path, params, heard });
}

function scopeForLog(scope: string | null): string | undefined {
  if (scope === null) return undefined;
  const short = scope.split(' ').map((one) => (/^[\w.:/-]{1,80}$/.test(one) ? one : '…'));
  return short.join(' ').slice(0, 400);
}

function record(core: Core, incoming: Incoming, heard: Heard & { status: number; outcome: string }): void {
  const { status, outcome, client, user } = heard;
  const asked = incoming.form?.get('grant_type') ?? '';
  const grant = GRANTS.has(asked) ? (asked.split(':').at(-1) ?? asked) : 'other';
  const scope = scopeForLog(incoming.form?.get('scope') ?? null);
  const who = { ...(client === undefined ? {} : { client }), ...(user === undefined ? {} : { user }) };
  core.requests.record({
    time: new Date(core.now()).toISOString(),
    grant,
    ...who,
    ...(scope === undefined ? {} : { scope }),
    status,
    outcome,
  });
  core.log('info', 'token', { grant, ...who, status, outcome });
}

/** The token endpoint: one dispatcher, one file per grant, one exit for refusals. */
export async function tokenEndpoint(
  core: Core,
  incoming: Incoming,
  { tenant = '' }: PathParams,
): Promise<Reply> {
  const heard: Heard = {};
  try {
    const body = await answer(core, incoming, tenant, heard);
    record(core, incoming, { ...heard, status: 200, outcome: 'ok' });
    const context = contextOf(core, incoming);
    return withHeaders(jsonReply(200, body), tracingHeaders(context, incoming, 0));
  } catch (error) {
    if (!(error instanceof EntraError)) throw error;
    const { status, code } = error.rule;
    record(core, incoming, { ...heard, status, outcome: String(code) });
    return errorReply(core, incoming, { ...factsOf(error), status });
  }
}

/** Which grant and client a token request says it is for, unproven: for matching faults. */
export function claimedCall(incoming: Incoming): { grant: string | undefined; client: string | undefined } {
  const basic = readBasic(
    typeof incoming.headers.authorization === 'string' ? incoming.headers.authorization : undefined,
  );
  return {
    grant: incoming.form?.get('grant_type') ?? incoming.query.get('grant_type') ?? undefined,
    client: incoming.form?.get('client_id') ?? incoming.query.get('client_id') ?? basic?.id,
  };
}
