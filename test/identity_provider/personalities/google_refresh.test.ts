import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DRIVE, googleApp } from '../support/google.js';
import { field } from '../support/provider.js';
import { codeIn, type SocialProvider, startSocialProvider } from '../support/social.js';

const EMAIL = 'https://www.googleapis.com/auth/userinfo.email';
type Values = Readonly<Record<string, string | undefined>>;

let idp: SocialProvider;
let app: ReturnType<typeof googleApp>;
beforeAll(async () => {
  idp = await startSocialProvider();
  app = googleApp(idp);
});
afterAll(() => idp.stop());

describe('google: refresh tokens', () => {
  it('come with access_type=offline only, at first consent only, and again with prompt=consent', async () => {
    await app.freshUser();
    const ask = async (values: Values) =>
      (await app.redeem(codeIn(await app.authorize(values)))).body.refresh_token;
    expect(await ask({})).toBeUndefined();
    expect(await ask({ access_type: 'offline' })).toBeTypeOf('string');
    expect(await ask({ access_type: 'offline' })).toBeUndefined();
    expect(await ask({ access_type: 'offline', prompt: 'consent' })).toBeTypeOf('string');
    expect(await ask({ prompt: 'consent' })).toBeUndefined();
    expect(await ask({ access_type: 'offline', scope: `openid https://mail.google.com/` })).toBeTypeOf(
      'string',
    );
  });

  it('never change: the same one works for ever, and no answer brings another', async () => {
    const first = await app.signIn();
    const refreshToken = field(first, 'refresh_token');
    for (const days of [1, 100, 179]) {
      idp.clock.now += days * 86_400_000;
      const answer = await app.refresh(refreshToken);
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('refresh_token');
      expect(answer.body).toMatchObject({ expires_in: 3599, token_type: 'Bearer' });
    }
    idp.clock.now += 181 * 86_400_000;
    expect((await app.refresh(refreshToken)).body.error_description).toBe(
      'Token has been expired or revoked.',
    );
  });

  it('narrow by scope, never widen', async () => {
    const refreshToken = field(await app.signIn(), 'refresh_token');
    const narrow = await app.refresh(refreshToken, { scope: DRIVE });
    expect(narrow.body.scope).toBe(DRIVE);
    expect(narrow.body).not.toHaveProperty('id_token');
    const info = await idp.query('/google/tokeninfo', { access_token: field(narrow, 'access_token') });
    expect(info.body.scope).toBe(DRIVE);
    const wide = await app.refresh(refreshToken, { scope: `${DRIVE} https://mail.google.com/` });
    expect([wide.status, wide.body.error]).toEqual([400, 'invalid_scope']);
    expect((await app.refresh(refreshToken)).body.scope).toBe(`openid ${EMAIL} ${DRIVE}`);
  });

  it('include_granted_scopes adds what was granted before', async () => {
    await app.signIn();
    const answer = await app.signIn({ scope: 'openid', include_granted_scopes: 'true' });
    expect(String(answer.body.scope).split(' ')).toContain(DRIVE);
    expect((await app.signIn({ scope: 'openid' })).body.scope).toBe('openid');
  });

  it('live a hundred at a time per account and client: the oldest silently ends', async () => {
    await app.freshUser();
    const tokens: string[] = [];
    for (let index = 0; index < 101; index++) tokens.push(field(await app.signIn(), 'refresh_token'));
    const [oldest = '', second = ''] = tokens;
    expect((await app.refresh(oldest)).body.error).toBe('invalid_grant');
    expect((await app.refresh(second)).status).toBe(200);
    expect((await app.refresh(tokens.at(-1) ?? '')).status).toBe(200);
  });

  it('of an app in testing end after seven days, unless for the profile only', async () => {
    const other = { client_id: 'g2.apps.test', client_secret: 'other' };
    const start = async (scope: string) => {
      const code = codeIn(
        await app.authorize({ ...other, client_secret: undefined, scope, access_type: 'offline' }),
      );
      return app.redeem(code, other);
    };
    const [profile, drive] = [await start('openid email'), await start(DRIVE)];
    expect(drive.body.refresh_token_expires_in).toBe(604_799);
    expect(profile.body).not.toHaveProperty('refresh_token_expires_in');
    idp.clock.now += 8 * 86_400_000;
    expect((await app.refresh(field(drive, 'refresh_token'), other)).body.error).toBe('invalid_grant');
    expect((await app.refresh(field(profile, 'refresh_token'), other)).status).toBe(200);
  });

  it.each([
    ['revoke', 'Token has been expired or revoked.', undefined],
    ['expire', 'Token has been expired or revoked.', undefined],
    ['require-mfa', 'reauth related error (invalid_rapt)', 'invalid_rapt'],
    ['delete', 'Account has been deleted', undefined],
    ['disable', 'Token has been expired or revoked.', undefined],
  ])(
    'fail with invalid_grant after %s, and work after a new sign-in',
    async (action, description, subtype) => {
      const refreshToken = field(await app.signIn(), 'refresh_token');
      await idp.knob(action);
      const answer = await app.refresh(refreshToken);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: 'invalid_grant', error_description: description });
      expect(answer.body.error_subtype).toBe(subtype);
      await idp.knob('restore');
      await idp.knob('enable');
      expect((await app.refresh(field(await app.signIn(), 'refresh_token'))).status).toBe(200);
      await idp.admin('POST', '/reset');
    },
  );

  it('after a revocation the next consent counts as the first', async () => {
    await app.signIn();
    await idp.knob('revoke');
    const code = codeIn(await app.authorize({ access_type: 'offline' }));
    expect((await app.redeem(code)).body.refresh_token).toBeTypeOf('string');
  });
});
