import { Ajv } from 'ajv';
import type { Personality, SocialApp } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import { type Reply, withHeaders } from '../../http/reply.js';
import type { Handler, Route } from '../../http/router.js';
import { isFromOtherSite } from '../../http/same_site.js';
import { hasConsented } from './grants.js';
import type { Kit } from './kit.js';
import type { Account } from './people.js';
import { Refusal, refusing } from './refusal.js';
import { maySignIn, newSignIn, readSession, type SignIn, sessionCookie } from './session.js';
import { problemPage, signInPage } from './sign_in_page.js';

const TRANSACTION_SECONDS = 900;

/** What an authorization request asks of the user. */
export type Ask = Readonly<{
  app: SocialApp;
  scopes: readonly string[];
  /** Names the user who signs in at once, in agreement with all that is asked. */
  hint?: string | undefined;
  /** `page` always shows the page; `none` never, and refuses instead; `auto` only where it must. */
  show: 'auto' | 'page' | 'none';
  /** Whether the user may leave scopes out. */
  granular?: boolean;
  /** Whether earlier consent of a signed-in user is enough. True when not given. */
  remembers?: boolean;
  /** Who may be chosen; everyone when not given. */
  admits?: (account: Account) => boolean;
}>;

export type Agreed = SignIn & Readonly<{ scopes: readonly string[] }>;

/** What a personality adds to the common sign-in. `read` throws a Refusal for what must be shown on a page. */
export type SignInFlow<Request> = Readonly<{
  personality: Personality;
  read: (values: URLSearchParams, path: string) => Request;
  ask: (request: Request) => Ask;
  finish: (request: Request, agreed: Agreed) => Reply | Promise<Reply>;
  refuse: (request: Request, why: 'declined' | 'login_required') => Reply;
}>;

type Transaction = Readonly<{ path: string; query: string; issued: number }>;

const text = { type: 'string' };
const isTransaction = new Ajv().compile<Transaction>({
  type: 'object',
  required: ['path', 'query', 'issued'],
  properties: { path: text, query: text, issued: { type: 'number' } },
});

type At<Request> = Readonly<{ request: Request; ask: Ask; path: string; values: URLSearchParams }>;

function candidate(kit: Kit, ask: Ask, account: Account | undefined): Account | undefined {
  if (account === undefined || !maySignIn(kit, account)) return undefined;
  return ask.admits?.(account) === false ? undefined : account;
}

/** Who signs in without being asked. */
function settle(kit: Kit, ask: Ask, session: SignIn | undefined): SignIn | undefined {
  const { app, hint, scopes, remembers = true } = ask;
  const hinted = hint === undefined ? undefined : candidate(kit, ask, kit.people.byHint(hint, app));
  if (ask.show === 'page') return undefined;
  if (hint !== undefined && ask.show === 'auto') return hinted && newSignIn(kit, hinted);
  const known = session && candidate(kit, ask, session.account);
  if (session === undefined || known === undefined || (hint !== undefined && hinted !== known))
    return undefined;
  const parties = { personality: app.personality, client: app.client_id, oid: known.user.oid };
  return remembers && hasConsented(kit, parties, scopes) ? session : undefined;
}

async function finish<Request>(
  kit: Kit,
  flow: SignInFlow<Request>,
  { request, agreed }: Readonly<{ request: Request; agreed: Agreed }>,
): Promise<Reply> {
  const { user } = agreed.account;
  if (kit.core.store.knobs(user.oid).disabled) {
    throw new Refusal(problemPage('Account disabled', 'This account has been disabled.', 403), 'disabled');
  }
  const reply = await flow.finish(request, agreed);
  kit.core.log('info', 'sign-in', { personality: flow.personality, user: user.oid });
  return withHeaders(reply, { 'set-cookie': sessionCookie(kit, flow.personality, agreed) });
}

function page<Request>(kit: Kit, flow: SignInFlow<Request>, { ask, path, values }: At<Request>): Reply {
  const { app, scopes, granular = false, hint, admits = () => true } = ask;
  const transaction = kit.core.sealer.seal(`social:${flow.personality}:transaction`, {
    path,
    query: values.toString(),
    issued: kit.core.now(),
  } satisfies Transaction);
  const accounts = kit.people.all.filter((account) => maySignIn(kit, account) && admits(account));
  const unknownHint = hint !== undefined && kit.people.byHint(hint, app) === undefined;
  return signInPage({ app, accounts, scopes, granular, transaction, unknownHint });
}

async function start<Request>(kit: Kit, flow: SignInFlow<Request>, incoming: Incoming): Promise<Reply> {
  const values = incoming.method === 'POST' ? (incoming.form ?? incoming.query) : incoming.query;
  const request = flow.read(values, incoming.path);
  const ask = flow.ask(request);
  const signIn = settle(kit, ask, readSession(kit, flow.personality, incoming));
  if (signIn !== undefined) return finish(kit, flow, { request, agreed: { ...signIn, scopes: ask.scopes } });
  if (ask.show === 'none') return flow.refuse(request, 'login_required');
  return page(kit, flow, { request, ask, path: incoming.path, values });
}

/** The button pressed on the page. Takes only forms of its own page, at most 15 minutes old, from this site. */
async function pressed<Request>(kit: Kit, flow: SignInFlow<Request>, incoming: Incoming): Promise<Reply> {
  const form = incoming.form ?? new URLSearchParams();
  const blob = form.get('transaction') ?? '';
  const opened = kit.core.sealer.open(`social:${flow.personality}:transaction`, blob);
  const fresh = isTransaction(opened) && kit.core.now() - opened.issued < TRANSACTION_SECONDS * 1000;
  if (!fresh || isFromOtherSite(incoming)) {
    throw new Refusal(problemPage('Start again', 'This sign-in is over or was not begun here.'), 'foreign');
  }
  const request = flow.read(new URLSearchParams(opened.query), opened.path);
  if (form.has('cancel')) return flow.refuse(request, 'declined');
  const ask = flow.ask(request);
  const account = candidate(kit, ask, kit.people.byOid(form.get('user') ?? ''));
  if (account === undefined) {
    throw new Refusal(problemPage('Start again', 'There is no such account to pick.'), 'foreign');
  }
  const allowed = new Set(form.getAll('allow'));
  const scopes = ask.granular ? ask.scopes.filter((scope) => allowed.has(scope)) : ask.scopes;
  return finish(kit, flow, { request, agreed: { ...newSignIn(kit, account), scopes } });
}

/** Routes of a sign-in: its authorization paths, and the form of its page. */
export function signInRoutes<Request>(
  kit: Kit,
  flow: SignInFlow<Request>,
  paths: readonly string[],
): readonly Route[] {
  const authorize: Handler = refusing((incoming) => start(kit, flow, incoming));
  return [
    ...paths.map((path) => ({ path, methods: { GET: authorize, POST: authorize } })),
    {
      path: `/${flow.personality}/sign_in`,
      methods: { POST: refusing((incoming) => pressed(kit, flow, incoming)) },
    },
  ];
}
