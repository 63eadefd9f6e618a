import type { Core } from '../../core.js';
import type { Incoming } from '../../http/incoming.js';
import { type Reply, withHeaders } from '../../http/reply.js';
import type { PathParams } from '../../http/router.js';
import { grantRequested } from '../consents.js';
import { contextOf } from '../error_reply.js';
import { EntraError, factsOf } from '../errors.js';
import type { SessionGrant } from '../sealed_grants.js';
import { readTenant } from '../tenants.js';
import { choosePage, consentPage, errorPage, mfaPage } from './pages.js';
import { readRequest, readTarget, type Target } from './request.js';
import { sendAnswer, sendError } from './respond.js';
import { readSession, sessionCookie } from './session.js';
import { nextStep, type Progress } from './sign_in.js';

/** An authorization under way: its parameters as sent, and what is settled so far. */
export type Authorization = Readonly<{ segment: string; values: URLSearchParams; progress: Progress }>;

/** Parameters that only steer who is asked; once settled they must not steer again. */
function sealTransaction(
  core: Core,
  { segment, values, progress }: Authorization,
  signIn?: SessionGrant,
): string {
  const settled = signIn ?? progress.signIn;
  return core.sealer.seal('transaction', {
    segment,
    query: values.toString(),
    issued: core.now(),
    consent: progress.consent,
    ...(settled === undefined ? {} : { signIn: settled }),
  });
}

async function proceed(
  core: Core,
  incoming: Incoming,
  at: Authorization & { target: Target },
): Promise<Reply> {
  const request = readRequest(core, readTenant(core.directory, at.segment), at.target, at.values);
  const step = nextStep(core, request, { ...at.progress, session: readSession(core, incoming) });
  if (step.page === 'choose') return choosePage(core, { request, transaction: sealTransaction(core, at) });
  const { user, signIn } = step;
  if (step.page !== undefined) {
    const frame = { request, transaction: sealTransaction(core, at, signIn) };
    return step.page === 'mfa' ? mfaPage(frame, user) : consentPage(frame, user);
  }
  await grantRequested(core, user.oid, request.client, request.scopes);
  core.log('info', 'sign-in', { client: request.client.app_id, user: user.oid });
  return withHeaders(await sendAnswer(core, request, step), { 'set-cookie': sessionCookie(core, signIn) });
}

function refuse(core: Core, incoming: Incoming, error: unknown, target?: Target): Reply {
  if (!(error instanceof EntraError)) throw error;
  const context = contextOf(core, incoming);
  core.log('info', 'authorize refused', { outcome: error.rule.code });
  if (target === undefined || error.reason === 'userDisabled') {
    return errorPage({ ...factsOf(error), status: error.rule.status }, context);
  }
  return sendError(target, factsOf(error), context);
}

/** Runs `work` with the place its refusals go to: a page until the target is known, the client from then on. */
export async function withTarget(
  core: Core,
  incoming: Incoming,
  at: Authorization,
  work: (at: Authorization & { target: Target }) => Promise<Reply>,
): Promise<Reply> {
  let target: Target | undefined;
  try {
    target = readTarget(core, readTenant(core.directory, at.segment), at.values);
    return await work({ ...at, target });
  } catch (error) {
    return refuse(core, incoming, error, target);
  }
}

/** Takes an authorization on as far as it goes without the user. */
export function runAuthorization(core: Core, incoming: Incoming, at: Authorization): Promise<Reply> {
  return withTarget(core, incoming, at, (known) => proceed(core, incoming, known));
}

/** The authorization endpoint, by GET or form POST (OpenID Connect Core §3.1.2.1). */
export function authorizeEndpoint(
  core: Core,
  incoming: Incoming,
  { tenant = '' }: PathParams,
): Promise<Reply> {
  const values = incoming.method === 'POST' ? (incoming.form ?? new URLSearchParams()) : incoming.query;
  return runAuthorization(core, incoming, { segment: tenant, values, progress: { consent: false } });
}
