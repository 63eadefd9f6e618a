import { createHash, randomUUID } from 'node:crypto';
import { Ajv } from 'ajv';
import type { Personality, SocialApp } from '../../directory/social.js';
import { grantOf, issuedNow, type Parties } from './grants.js';
import type { Kit } from './kit.js';
import { lifetimesOf } from './lifetimes.js';
import type { Account } from './people.js';
import { isSpent, spendOnce } from './replay.js';

/** What an authorization code stands for. Times are milliseconds. */
export type CodeFacts = Readonly<{
  id: string;
  client: string;
  oid: string;
  issued: number;
  redirect: string;
  scopes: readonly string[];
  authTime: number;
  mfa: boolean;
  nonce?: string;
  challenge?: string;
  method?: string;
  /** Whether redeeming it brings a refresh token. */
  offline: boolean;
}>;

export type CodeProblem = 'malformed' | 'foreign' | 'used' | 'expired' | 'redirect' | 'verifier' | 'account';

export type RedeemedCode =
  | Readonly<{ problem: CodeProblem; facts: CodeFacts | undefined }>
  | Readonly<{ problem: undefined; facts: CodeFacts; account: Account; parties: Parties }>;

const text = { type: 'string' };
const isCode = new Ajv().compile<CodeFacts>({
  type: 'object',
  required: ['id', 'client', 'oid', 'issued', 'redirect', 'scopes', 'authTime', 'mfa', 'offline'],
  properties: { id: text, client: text, oid: text, redirect: text, scopes: { type: 'array', items: text } },
});

/** Seals an authorization code. */
export function mintCode(
  kit: Kit,
  personality: Personality,
  facts: Omit<CodeFacts, 'id' | 'issued'>,
): string {
  const code: CodeFacts = { ...facts, id: randomUUID(), issued: issuedNow(kit, facts.oid) };
  return kit.core.sealer.seal(`social:${personality}:code`, code);
}

/** Whether a code verifier fits (RFC 7636 §4.6). A code without a challenge takes none. */
function verifierFits({ challenge, method }: CodeFacts, verifier: string | undefined): boolean {
  if (challenge === undefined) return true;
  if (verifier === undefined) return false;
  const hash = createHash('sha256').update(verifier).digest('base64url');
  return (method === 'S256' ? hash : verifier) === challenge;
}

export type CodeRequest = Readonly<{
  app: SocialApp;
  code: string | undefined;
  /** Undefined where the provider lets it be left out. */
  redirect: string | undefined;
  verifier: string | undefined;
}>;

function standing(kit: Kit, personality: Personality, facts: CodeFacts): CodeProblem | undefined {
  const { revokedAt, deleted, disabled } = kit.core.store.knobs(facts.oid);
  if (deleted || disabled || (revokedAt !== undefined && facts.issued <= revokedAt)) return 'account';
  const { code: seconds } = lifetimesOf(kit, personality);
  if (facts.issued + seconds * 1000 <= kit.core.now()) return 'expired';
  const gone = grantOf(kit, { personality, client: facts.client, oid: facts.oid }) === undefined;
  return gone ? 'account' : undefined;
}

function problemOf(kit: Kit, request: CodeRequest, facts: CodeFacts): CodeProblem | undefined {
  const { app, redirect, verifier } = request;
  if (facts.client !== app.client_id) return 'foreign';
  if (isSpent(kit, facts.id)) return 'used';
  const problem = standing(kit, app.personality, facts);
  if (problem !== undefined) return problem;
  if (redirect !== undefined && redirect !== facts.redirect) return 'redirect';
  return verifierFits(facts, verifier) ? undefined : 'verifier';
}

/** Redeems an authorization code once (RFC 6749 §4.1.3). A refusal other than `used` does not spend the code. */
export async function redeemCode(kit: Kit, request: CodeRequest): Promise<RedeemedCode> {
  const { personality } = request.app;
  const opened =
    request.code === undefined ? undefined : kit.core.sealer.open(`social:${personality}:code`, request.code);
  if (!isCode(opened)) return { problem: 'malformed', facts: undefined };
  const account = kit.people.byOid(opened.oid);
  const problem = account === undefined ? 'account' : problemOf(kit, request, opened);
  if (problem !== undefined || account === undefined) return { problem: problem ?? 'account', facts: opened };
  const until = opened.issued + lifetimesOf(kit, personality).code * 1000;
  if (!(await spendOnce(kit, opened.id, until))) return { problem: 'used', facts: opened };
  const parties = { personality, client: opened.client, oid: opened.oid };
  return { problem: undefined, facts: opened, account, parties };
}
