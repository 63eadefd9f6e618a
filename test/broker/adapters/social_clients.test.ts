import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../../shared/adapters/http_client.js';
import type { ProviderClient } from '../../../shared/adapters/provider/client.js';
import { createFacebookClient } from '../../../shared/adapters/provider/facebook.js';
import { createGitHubClient } from '../../../shared/adapters/provider/github.js';
import { createTwitterClient } from '../../../shared/adapters/provider/twitter.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import { writeCredential } from '../../../shared/domain/session_credential.js';
import type { ProviderAnswer, ProviderTokens } from '../../../shared/ports.js';
import { facebook } from '../../../shared/providers/facebook.js';
import { github } from '../../../shared/providers/github.js';
import type { ProviderRules } from '../../../shared/providers/rules.js';
import { twitter } from '../../../shared/providers/twitter.js';
import {
  CLIENT_SECRET,
  type SocialProvider,
  startSocialProvider,
} from '../../identity_provider/support/social.js';
import { facebookToken, githubToken, twitterPair } from '../support/social_sign_in.js';

const DAY = 86_400_000;
const ANYBODY = { provider: '', tenant: '', id: '' };
const target = { scope: [] };

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());
beforeEach(() => idp.admin('POST', '/reset', {}));

function deps(name: string, clientId: string, clientSecret = CLIENT_SECRET) {
  const settings = { apiUrl: `${idp.url}/${name}`, issuer: `https://${name}.test`, clientId, clientSecret };
  return { settings, http: createHttpClient(), clock: () => idp.clock.now, random: systemRandom };
}

function tokensOf(answer: ProviderAnswer): ProviderTokens {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.failure)}`);
  return answer.tokens;
}

/** The class a refusal is put in, with the word it is booked under. */
function verdictOf(rules: ProviderRules, answer: ProviderAnswer): string {
  if (answer.ok) return 'alive';
  const verdict = rules.classify(answer.failure, undefined);
  return `${verdict.class}${verdict.opensCircuit ? ', circuit' : ''}: ${answer.failure.error}`;
}

const refresh = (client: ProviderClient, credential: string) => client.refresh(credential, target, ANYBODY);
const prove = (client: ProviderClient, credential: string) => client.prove(credential, ANYBODY);

describe("a GitHub OAuth app's token", () => {
  const client = (secret = CLIENT_SECRET) => createGitHubClient(deps('github', 'Ov23', secret));

  it('is proven with whose it is and what it holds, and stays the credential', async () => {
    const token = await githubToken(idp);
    for (const answer of [await prove(client(), token), await refresh(client(), token)]) {
      expect(tokensOf(answer)).toEqual({
        accessToken: token,
        refreshToken: token,
        expiresIn: 86_400,
        scope: ['repo', 'user:email'],
        subject: { provider: 'github', tenant: 'https://github.test', id: expect.stringMatching(/^\d+$/) },
      });
    }
  });

  it("of another app is not taken over, and neither is a GitHub App's, which ends within hours", async () => {
    const foreign = await githubToken(idp, { client_id: 'Iv1', client_secret: 'other' });
    expect(verdictOf(github, await prove(client(), foreign))).toBe('grant_dead: token_not_found');
    const own = createGitHubClient(deps('github', 'Iv1', 'other'));
    expect(verdictOf(github, await prove(own, foreign))).toBe('grant_dead: expiring_token');
  });

  it('is dead once the user has removed the app; a wrong secret of ours is nobody’s fault but ours', async () => {
    const token = await githubToken(idp);
    expect(verdictOf(github, await prove(client('wrong'), token))).toBe(
      'broker_misconfigured, circuit: incorrect_client_credentials',
    );
    await idp.removeApp('github', 'Ov23');
    expect(verdictOf(github, await refresh(client(), token))).toBe('grant_dead: bad_credentials');
    expect(verdictOf(github, await prove(client(), token))).toBe('grant_dead: token_not_found');
  });

  it('is ended at GitHub, and ending it twice is no failure', async () => {
    const token = await githubToken(idp);
    expect(await client().revoke(token)).toBe('revoked');
    expect(verdictOf(github, await refresh(client(), token))).toBe('grant_dead: bad_credentials');
    expect(await client().revoke(token)).toBe('revoked');
    expect(await client('wrong').revoke(token)).toBe('failed');
  });
});

describe("Facebook's token", () => {
  const client = (secret = CLIENT_SECRET) => createFacebookClient(deps('facebook', '1001', secret));
  const calls = async () => {
    const { requests } = (await idp.admin('GET', '/requests')).body;
    const all: { grant?: string }[] = Array.isArray(requests) ? requests : [];
    return all.filter(({ grant }) => grant === 'fb_exchange_token').length;
  };

  it('of an hour is exchanged at once for one of sixty days', async () => {
    const short = await facebookToken(idp);
    const { refreshToken, expiresIn, credentialEndsAt, scope, subject } = tokensOf(
      await prove(client(), short),
    );
    expect(refreshToken).not.toBe(short);
    expect(expiresIn).toBeGreaterThan(59 * 86_400);
    expect(credentialEndsAt).toBeGreaterThan(idp.clock.now + 59 * DAY);
    expect(scope).toEqual(['email', 'public_profile']);
    expect(subject).toMatchObject({ provider: 'facebook', tenant: 'https://facebook.test' });
  });

  it('is left alone for thirty days, then exchanged, and the chain goes on beyond day sixty', async () => {
    const first = tokensOf(await prove(client(), await facebookToken(idp))).refreshToken ?? '';
    const before = await calls();
    idp.clock.now += 29 * DAY;
    expect(tokensOf(await refresh(client(), first)).refreshToken).toBe(first);
    expect(await calls()).toBe(before);
    idp.clock.now += 2 * DAY;
    const second = tokensOf(await refresh(client(), first));
    expect(second.refreshToken).not.toBe(first);
    expect(second.accessToken).toBe(second.refreshToken);
    idp.clock.now += 31 * DAY;
    expect(verdictOf(facebook, await refresh(client(), second.accessToken))).toBe('alive');
  });

  it('cannot be had back once it has ended', async () => {
    const token = tokensOf(await prove(client(), await facebookToken(idp))).accessToken;
    idp.clock.now += 61 * DAY;
    expect(verdictOf(facebook, await refresh(client(), token))).toBe('grant_dead: OAuthException');
  });

  it.each([
    ['the app was removed', () => idp.removeApp('facebook', '1001'), 'grant_dead'],
    ['the user’s sessions were revoked', () => idp.knob('revoke'), 'grant_dead'],
    ['the account is disabled', () => idp.knob('disable'), 'user_action_required'],
  ])('%s: %s', async (_, happens, verdict) => {
    const token = tokensOf(await prove(client(), await facebookToken(idp))).accessToken;
    await happens();
    expect(verdictOf(facebook, await refresh(client(), token))).toBe(`${verdict}: OAuthException`);
  });

  it("another app's token, and a wrong secret of ours, end nothing and open no circuit for everybody", async () => {
    const foreign = await facebookToken(idp, '1002', 'other');
    expect(verdictOf(facebook, await prove(client(), foreign))).toMatch(/^broker_misconfigured: /);
    const own = await facebookToken(idp);
    expect(verdictOf(facebook, await prove(client('wrong'), own))).toMatch(/^broker_misconfigured: /);
  });

  it('is ended with all the user allowed the app', async () => {
    const token = tokensOf(await prove(client(), await facebookToken(idp))).accessToken;
    expect(await client().revoke(token)).toBe('revoked');
    expect(verdictOf(facebook, await refresh(client(), token))).toMatch(/^grant_dead/);
    expect(await client().revoke(token)).toBe('revoked');
  });
});

describe("X's pair of token and secret", () => {
  const client = (secret = CLIENT_SECRET) => createTwitterClient(deps('twitter', 'tw-key', secret));

  it('signs each call, and is proven with whose it is', async () => {
    const pair = await twitterPair(idp);
    const { accessToken, refreshToken, subject } = tokensOf(await prove(client(), writeCredential(pair)));
    expect([accessToken, refreshToken]).toEqual([pair.token, writeCredential(pair)]);
    expect(subject).toMatchObject({ provider: 'twitter', id: expect.stringMatching(/^\d+$/) });
  });

  it('with a secret that is not its own proves nothing, and ends nothing', async () => {
    const { token } = await twitterPair(idp);
    const forged = writeCredential({ token, secret: 'guessed' });
    expect(verdictOf(twitter, await prove(client(), forged))).toBe('broker_misconfigured: api_error');
  });

  it('is ended at X, and then dead', async () => {
    const credential = writeCredential(await twitterPair(idp));
    expect(await client().revoke(credential)).toBe('revoked');
    expect(verdictOf(twitter, await refresh(client(), credential))).toBe('grant_dead: api_error');
    expect(await client().revoke(credential)).toBe('revoked');
  });
});

describe('a provider that is away', () => {
  it.each([
    ['github', () => createGitHubClient, github],
    ['facebook', () => createFacebookClient, facebook],
    ['twitter', () => createTwitterClient, twitter],
  ] as const)('%s: transient, and revoking has failed', async (name, create, rules) => {
    const away = { ...deps(name, 'x'), http: async () => Promise.reject(new Error('down')) };
    const client = create()(away);
    const credential = writeCredential({ token: 't', secret: 's' });
    expect(verdictOf(rules, await refresh(client, credential))).toBe('transient: no_answer');
    expect(await client.revoke(credential)).toBe('failed');
  });
});
