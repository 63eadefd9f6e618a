import type { Core } from '../core.js';
import { htmlReply } from '../http/html.js';
import type { Incoming } from '../http/incoming.js';
import type { Reply } from '../http/reply.js';
import type { Handler, PathParams, Route } from '../http/router.js';
import { authorizeEndpoint } from './authorize/endpoint.js';
import { errorPage } from './authorize/pages.js';
import { signInForm } from './authorize/sign_in_form.js';
import { discoveryDocument, keysDocument } from './discovery.js';
import { contextOf, errorReply } from './error_reply.js';
import { EntraError, factsOf } from './errors.js';
import { logoutEndpoint } from './logout.js';
import { tokenEndpoint } from './token.js';

type Refusal = (core: Core, incoming: Incoming, error: EntraError) => Reply;
type Endpoint = (incoming: Incoming, params: PathParams) => Reply | Promise<Reply>;

const asJson: Refusal = (core, incoming, error) =>
  errorReply(core, incoming, { ...factsOf(error), status: error.rule.status });
const asPage: Refusal = (core, incoming, error) =>
  errorPage({ ...factsOf(error), status: error.rule.status }, contextOf(core, incoming));

function refusing(core: Core, endpoint: Endpoint, refusal: Refusal): Handler {
  return async (incoming, params) => {
    try {
      return await endpoint(incoming, params);
    } catch (error) {
      if (error instanceof EntraError) return refusal(core, incoming, error);
      throw error;
    }
  };
}

function explainError(incoming: Incoming): Reply {
  const code = /^\d{1,9}$/.exec(incoming.query.get('code') ?? '')?.[0] ?? 'unknown';
  return htmlReply({
    title: 'Error',
    main: `<h1>AADSTS${code}</h1><p>See the error's description for what it means.</p>`,
  });
}

/** The Entra-like personality: `/{tenant}/…`. */
export function entraRoutes(core: Core): readonly Route[] {
  const json = (endpoint: Endpoint): Handler => refusing(core, endpoint, asJson);
  const page = (endpoint: Endpoint): Handler => refusing(core, endpoint, asPage);
  const authorize = page((incoming, params) => authorizeEndpoint(core, incoming, params));
  const logout = page((incoming, params) => logoutEndpoint(core, incoming, params));
  const keys = json((_, params) => keysDocument(core, params));
  const discovery = (version: 1 | 2): Handler =>
    json((_, params) => discoveryDocument(core, params, version));
  return [
    {
      path: '/:tenant/oauth2/v2.0/token',
      methods: { POST: (incoming, params) => tokenEndpoint(core, incoming, params) },
    },
    { path: '/:tenant/oauth2/v2.0/authorize', methods: { GET: authorize, POST: authorize } },
    { path: '/:tenant/oauth2/v2.0/signin', methods: { POST: (incoming) => signInForm(core, incoming) } },
    { path: '/:tenant/oauth2/v2.0/logout', methods: { GET: logout, POST: logout } },
    { path: '/:tenant/discovery/v2.0/keys', methods: { GET: keys } },
    { path: '/:tenant/discovery/keys', methods: { GET: keys } },
    { path: '/:tenant/v2.0/.well-known/openid-configuration', methods: { GET: discovery(2) } },
    { path: '/:tenant/.well-known/openid-configuration', methods: { GET: discovery(1) } },
    { path: '/error', methods: { GET: explainError } },
  ];
}
