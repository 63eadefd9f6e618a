import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import { digest } from '../domain/digest.js';
import { Refusal } from '../domain/errors.js';
import { formatScope } from '../domain/scope.js';
import { subjectKey } from '../domain/subject.js';
import type { Audited } from '../flows/audited.js';
import {
  type AuthorizationParameters,
  type AuthorizationRequest,
  readAuthorization,
  readTarget,
} from '../flows/authorization_request.js';
import type { Authorize } from '../flows/authorize.js';
import type { Policy } from '../policy.js';
import type { Clock, Tickets } from '../ports.js';
import { readForm } from './body.js';
import { asUser, type Caller, type Identify } from './caller.js';
import { type Call, type CommonOptions, createEndpoint } from './endpoint.js';
import { consentPage } from './pages/consent.js';
import { assertSameSite } from './same_site.js';
import { redirect, refusalParameters, sendBack } from './send_back.js';
import { sessionCredentials } from './session_credentials.js';

export interface AuthorizeDeps {
  readonly issuer: string;
  readonly policy: Policy;
  readonly identify: Identify;
  readonly authorize: Authorize;
  readonly audited: Audited;
  readonly tickets: Tickets;
  readonly clock: Clock;
  readonly publicOrigin: string;
  /** Where users sign in when the resource is not a provider's own. */
  readonly signInProvider: string;
  readonly endpoint: CommonOptions;
}

type User = Caller & { readonly kind: 'user' };

/** One request of a browser: what it asks, and the address to come back to with the same question. */
interface Visit {
  readonly call: Call;
  readonly parameters: AuthorizationParameters;
  /** Stands for the question, whoever is asked. */
  readonly question: string;
  readonly query: URLSearchParams;
}

const MOST_QUERY_CHARS = 6000;
/** Says that the user was sent to sign in for this question: whoever comes back with it is not sent again. */
const SIGN_IN = 'sign_in';

/**
 * `GET /authorize` (RFC 6749 §4.1.1) asks the user; `POST` of the page's own form, at the same address, is their answer. What is wrong
 * before client and redirect URI are known is shown; everything after is the client's to know.
 */
export function createAuthorizeHandler(deps: AuthorizeDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'page' as const, methods: ['GET', 'POST'] };
  return createEndpoint(options, async (call) => {
    const visit = readVisit(call);
    const target = readTarget(deps.policy, visit.parameters);
    try {
      const request = readAuthorization(deps.policy, target, visit.parameters);
      const user = await signedIn(deps, request, call.request);
      const proven = request.claims === undefined || (await hasBeenToSignIn(deps, visit));
      if (!user || !proven) return await toSignIn(deps, request, visit);
      if (call.request.method === 'GET') return await ask(deps, { request, user, visit });
      return await decide(deps, { request, user, visit });
    } catch (error) {
      return sendBack(deps.issuer, target, refusalParameters(error));
    }
  });
}

function readVisit(call: Call): Visit {
  const query = new URL(call.request.url).searchParams;
  if (query.toString().length > MOST_QUERY_CHARS) {
    throw new Refusal('invalid_request', { description: 'the request is too long' });
  }
  const values = new Map<string, string>();
  const repeated = new Set<string>();
  const names = new Set<string>();
  for (const [name, value] of query) {
    if (names.has(name)) repeated.add(name);
    names.add(name);
    if (value !== '') values.set(name, value);
  }
  const asked = [...query].filter(([name]) => name !== SIGN_IN);
  return { call, parameters: { values, repeated }, question: digest('authorize', ...asked.flat()), query };
}

/** The user at the provider whose tokens the resource takes; undefined for nobody, or somebody of another provider. */
async function signedIn(
  deps: AuthorizeDeps,
  { resourcePolicy }: AuthorizationRequest,
  request: HttpRequest,
): Promise<User | undefined> {
  try {
    const user = asUser(await deps.identify(request));
    const anywhere = resourcePolicy.narrowing === 'minted';
    return anywhere || user.subject.provider === resourcePolicy.provider ? user : undefined;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unauthenticated') return undefined;
    throw error;
  }
}

/** Once a question: a session that cannot be proven after signing in will not be proven by signing in again. */
async function toSignIn(
  deps: AuthorizeDeps,
  { resourcePolicy, claims }: AuthorizationRequest,
  visit: Visit,
): Promise<HttpResponseInit> {
  const { call, parameters, question, query } = visit;
  if (call.request.method === 'GET' && (await hasBeenToSignIn(deps, visit))) {
    throw new Refusal('access_denied', { description: 'the user could not be signed in' });
  }
  const provider = resourcePolicy.narrowing === 'minted' ? deps.signInProvider : resourcePolicy.provider;
  const back = new URLSearchParams(query);
  back.set(SIGN_IN, await deps.tickets.issue([SIGN_IN, question]));
  const login = new URLSearchParams({ post_login_redirect_uri: `/authorize?${back}` });
  const hint = parameters.values.get('login_hint');
  if (hint !== undefined) login.set('login_hint', hint);
  if (claims !== undefined) login.set('claims', claims);
  return redirect(`/.auth/login/${provider}?${login}`);
}

function hasBeenToSignIn({ tickets }: AuthorizeDeps, { parameters, question }: Visit): Promise<boolean> {
  return tickets.accepts(parameters.values.get(SIGN_IN) ?? '', [SIGN_IN, question]);
}

interface Asking {
  readonly request: AuthorizationRequest;
  readonly user: User;
  readonly visit: Visit;
}

async function ask(deps: AuthorizeDeps, { request, user, visit }: Asking): Promise<HttpResponseInit> {
  return consentPage({
    request,
    user: user.name ?? user.subject.id,
    until: deps.clock() + request.expiresInSeconds * 1000,
    action: `/authorize?${visit.query}`,
    ticket: await deps.tickets.issue(shownTo(user, visit)),
  });
}

/** The ticket in the form is for this user and this question: nobody's answer can be given to, or by, anybody else. */
function shownTo({ subject }: User, { question }: Visit): readonly string[] {
  return ['decision', subjectKey(subject), question];
}

async function decide(deps: AuthorizeDeps, asking: Asking): Promise<HttpResponseInit> {
  const { request, user, visit } = asking;
  const { call } = visit;
  assertSameSite(call.request, deps.publicOrigin);
  const form = await readForm(call.request);
  const shown = await deps.tickets.accepts(form.get('ticket') ?? '', shownTo(user, visit));
  const decision = form.get('decision');
  // A page that was left open, or shown to somebody else: asked again.
  if (!shown || (decision !== 'allow' && decision !== 'deny')) return ask(deps, asking);
  const { subject, membership } = user;
  const { correlationId } = call;
  const code = await deps.audited({ type: 'grant.refused', subject, correlationId }, async (note) => {
    const { client, resource, scope } = request;
    note({ clientId: client.clientId, resource, requestedScope: formatScope(scope) });
    if (decision === 'deny') {
      throw new Refusal('access_denied', { description: 'the user has not allowed this' });
    }
    const credentials = sessionCredentials(call.request, subject);
    return deps.authorize({ ...credentials, request, subject, membership, correlationId });
  });
  return sendBack(deps.issuer, request, { code });
}
