import { bindingFor } from '../domain/binding.js';
import { Refusal } from '../domain/errors.js';
import { beyond, type Scope } from '../domain/scope.js';
import type { GrantType, TokenParameters } from '../grant_types/grant_type.js';
import type { ClientPolicy } from '../policy.js';
import type { Binding, DpopProofs } from '../ports.js';
import type { AssertWithinLimits } from './assert_within_limits.js';
import type { AuthenticateClient, ClientCredential } from './authenticate_client.js';
import { assertGrantTypeAllowed, type DecideToken } from './decide_token.js';
import type { IssuedToken, IssueToken } from './issue_token.js';
import { withReconsent } from './reconsent.js';
import { readAsked } from './token_asked.js';
import { heldFacts, type Progress, type RecordDeps, recordIssued, recordRefused } from './token_record.js';

export interface TokenRequest {
  readonly parameters: TokenParameters;
  readonly credential: ClientCredential;
  /** The `DPoP` header (RFC 9449 §5). */
  readonly proof?: string;
  /** Thumbprint of the certificate the client connected with (RFC 8705 §3.1). */
  readonly certificate?: string;
}

export interface TokenCall {
  /** Reads the request; what is wrong with its form is refused, and recorded, like everything else. */
  readonly read: () => Promise<TokenRequest>;
  readonly correlationId: string;
}

/** An access token, and what goes with it. */
export type TokenAnswer = IssuedToken & {
  /** What its client is given for later. */
  readonly refreshToken?: string;
  /** Asked for, or without a scope in the request all that was held, and not in the token. */
  readonly dropped: Scope;
};

export type TokenEndpoint = (call: TokenCall) => Promise<TokenAnswer>;

interface Deps extends Omit<RecordDeps, 'isGrantType'> {
  readonly authenticateClient: AuthenticateClient;
  readonly grantTypes: readonly GrantType[];
  readonly decide: DecideToken;
  readonly assertWithinLimits: AssertWithinLimits;
  readonly issue: IssueToken;
  readonly proofs: DpopProofs;
  readonly tokenUrl: string;
  readonly authorizeUrl: string;
}

/** `POST /token`, in numbered phases. Each may refuse, and none before the issuing leaves anything behind. */
export function createTokenEndpoint(deps: Deps): TokenEndpoint {
  const byName = new Map(deps.grantTypes.map((grantType) => [grantType.name, grantType]));
  const record: RecordDeps = { ...deps, isGrantType: (name) => byName.has(name) };
  return async ({ read, correlationId }) => {
    const progress: Progress = {};
    try {
      // 0. What is said.
      const request = await read();
      progress.parameters = request.parameters;
      // 1. Who asks.
      const client = await deps.authenticateClient(request.credential);
      progress.client = client;
      // 2. In which way.
      const grantType = grantTypeOf(byName, request.parameters, client);
      const asked = readAsked(request.parameters, grantType);
      progress.asked = asked;
      const proven = await provenBy(deps, request, client);
      // 3. What they hold.
      const held = await grantType.held(request.parameters, client, { binding: proven, correlationId });
      progress.known = heldFacts(held, asked.scope);
      // 4. What of it they get.
      const authorization = await deps.decide({
        client,
        grantType: grantType.name,
        held,
        resource: asked.resource ?? held.resource,
        scope: asked.scope,
      });
      progress.authorization = authorization;
      // 5. Whether it is too often.
      const { subject } = authorization;
      await deps.assertWithinLimits({ client, grantType: grantType.name, subject });
      // 6. The token.
      const byCertificate = client.certificateBoundTokens;
      const binding = bindingFor(proven, { presented: held.binding, byCertificate });
      const mayDrop = asked.scope === undefined;
      const issued = await deps.issue({ ...asked, authorization, binding, mayDrop });
      // 7. What may be shown once is used up.
      const settle = await held.spend?.();
      // 8. The record, durable before the token leaves.
      const { parameters } = request;
      const dropped = beyond(asked.scope ?? held.scope, issued.scope);
      await recordIssued(record, { parameters, correlationId, authorization, issued, dropped, mayDrop });
      // 9. Used up for good. A request that is cut off before has lost nothing: its token has not left, and the code may be shown again.
      await settle?.();
      const { refreshToken } = held;
      return { ...issued, dropped, ...(refreshToken === undefined ? {} : { refreshToken }) };
    } catch (error) {
      await recordRefused(record, { ...progress, correlationId, error });
      throw withReconsent(error, progress, deps.authorizeUrl);
    }
  };
}

function grantTypeOf(
  byName: ReadonlyMap<string, GrantType>,
  parameters: TokenParameters,
  client: ClientPolicy,
): GrantType {
  const name = parameters.get('grant_type');
  if (name === undefined) throw new Refusal('invalid_request', { description: 'grant_type is missing' });
  const grantType = byName.get(name);
  if (!grantType) {
    throw new Refusal('unsupported_grant_type', { description: 'grant_type is not supported' });
  }
  assertGrantTypeAllowed(client, name);
  return grantType;
}

/** The address comes from configuration: a forwarded host must not choose what a proof is for. */
async function provenBy(
  deps: Deps,
  { proof, certificate }: TokenRequest,
  client: ClientPolicy,
): Promise<Binding | undefined> {
  if (client.certificateBoundTokens && certificate === undefined) {
    throw new Refusal('invalid_request', { description: 'this client must connect with its certificate' });
  }
  const key =
    proof === undefined ? {} : await deps.proofs.verify(proof, { method: 'POST', uri: deps.tokenUrl });
  return { ...key, ...(certificate === undefined ? {} : { certificate }) };
}
