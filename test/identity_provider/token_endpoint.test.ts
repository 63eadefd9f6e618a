import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servicePrincipalId } from '../../local/identity_provider/directory/directory.js';
import { BROKER, GRAPH_URI, MULTI, ORDERS, REPORT, SECRET, TID } from './support/directory.js';
import { claims, codes, readAnswer, startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());

const APP = { grant_type: 'client_credentials', scope: `${GRAPH_URI}/.default` };

describe('error bodies', () => {
  it('have every field of Entra’s, the caller’s request id, and the telemetry header', async () => {
    const id = 'c0ffee00-1234-4abc-8def-0123456789ab';
    const answer = await idp.post(
      `/${TID}/oauth2/v2.0/token`,
      { grant_type: 'refresh_token' },
      { 'client-request-id': id },
    );
    expect(answer.status).toBe(400);
    expect(answer.headers.get('client-request-id')).toBe(id);
    expect(answer.headers.get('x-ms-clitelem')).toBe('1,900144,0,,');
    expect(answer.headers.get('x-ms-request-id')).toBe(answer.body.trace_id);
    expect(answer.body).toMatchObject({
      error: 'invalid_request',
      error_codes: [900144],
      timestamp: '2026-11-23 01:02:03Z',
      correlation_id: id,
      error_uri: `${idp.url}/error?code=900144`,
    });
    expect(answer.body.error_description).toBe(
      `AADSTS900144: The request body must contain the following parameter: 'client_id'. Trace ID: ${answer.body.trace_id} Correlation ID: ${id} Timestamp: 2026-11-23 01:02:03Z`,
    );
  });

  it('a request id that is no GUID is not echoed', async () => {
    const answer = await idp.post(`/${TID}/oauth2/v2.0/token`, {}, { 'client-request-id': 'x' });
    expect(answer.headers.get('client-request-id')).toBeNull();
  });
});

describe('the request itself', () => {
  it('grant_type is needed (900144) and must be known (70003)', async () => {
    expect(codes(await idp.token({}))).toEqual([900144]);
    expect((await idp.token({ grant_type: 'password' })).body).toMatchObject({
      error: 'unsupported_grant_type',
      error_codes: [70003],
    });
  });

  it('another content type is a form without parameters', async () => {
    const answer = await readAnswer(
      await fetch(idp.tokenUrl(), {
        method: 'POST',
        body: JSON.stringify(APP),
        headers: { 'content-type': 'application/json' },
      }),
    );
    expect([answer.status, codes(answer)]).toEqual([400, [900144]]);
  });

  it('a repeated parameter is refused', async () => {
    const body = new URLSearchParams([
      ...Object.entries({ ...APP, client_id: BROKER, client_secret: SECRET }),
      ['scope', 'x'],
    ]);
    expect(codes(await readAnswer(await fetch(idp.tokenUrl(), { method: 'POST', body })))).toEqual([9002313]);
  });

  it('an unknown tenant is 90002, a resource parameter 901002', async () => {
    expect((await idp.token(APP, 'nowhere.test')).body).toMatchObject({
      error: 'invalid_request',
      error_codes: [90002],
    });
    expect(codes(await idp.token({ ...APP, resource: GRAPH_URI }))).toEqual([901002]);
  });

  it('only POST; other methods are 405 with Allow, unknown paths 404', async () => {
    const answer = await idp.get(`/${TID}/oauth2/v2.0/token`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await idp.get('/nothing/here')).status).toBe(404);
  });

  it.each([100_001, 1_000_000])('a body of %i bytes is 413, and the next call is served', async (size) => {
    const answer = await idp.token({ ...APP, padding: 'x'.repeat(size) });
    expect(answer.status).toBe(413);
    expect((await idp.token(APP)).status).toBe(200);
  });
});

describe('client credentials', () => {
  it('a version 1 app token holds Entra’s claims: roles, no scp, sub and oid the service principal', async () => {
    const token = claims(await idp.token(APP));
    const sp = servicePrincipalId(BROKER, TID);
    const now = Math.floor(idp.clock.now / 1000);
    expect(token).toMatchObject({
      aud: GRAPH_URI,
      iss: `${idp.url}/${TID}/`,
      iat: now - 300,
      nbf: now - 300,
      exp: now + 3600,
      appid: BROKER,
      appidacr: '1',
      oid: sp,
      sub: sp,
      tid: TID,
      roles: ['User.RevokeSessions.All'],
      ver: '1.0',
    });
    for (const name of ['scp', 'upn', 'name', 'idtyp', 'azp']) expect(token).not.toHaveProperty(name);
  });

  it('a version 2 app token has the app id as audience, azp, and idtyp where the resource wants it', async () => {
    const answer = await idp.token({
      ...APP,
      client_id: REPORT,
      client_secret: 'report-secret',
      scope: 'api://token-broker/.default',
    });
    expect(answer.body).not.toHaveProperty('refresh_token');
    expect(answer.body).not.toHaveProperty('scope');
    expect(claims(answer)).toMatchObject({
      aud: BROKER,
      iss: `${idp.url}/${TID}/v2.0`,
      azp: REPORT,
      azpacr: '1',
      idtyp: 'app',
      roles: ['Audit.Read'],
      ver: '2.0',
    });
  });

  it('the resource may be named by its app id', async () => {
    expect(claims(await idp.token({ ...APP, scope: `${ORDERS}/.default` }))).toMatchObject({
      aud: 'api://orders',
    });
  });

  it.each([
    [`${GRAPH_URI}/User.Read`, 1002012],
    [`${GRAPH_URI}/.default api://orders/.default`, 1002012],
    [`${GRAPH_URI}/.default openid`, 1002012],
    ['openid', 1002012],
    ['api://nobody/.default', 500011],
    [`${GRAPH_URI}//.default`, 500011],
  ])('scope %s is refused', async (scope, code) => {
    expect(codes(await idp.token({ ...APP, scope }))).toEqual([code]);
  });

  it('needs a certain tenant: on common and organizations it is 9001023', async () => {
    const multi = { ...APP, client_id: MULTI, client_secret: 'multi-secret' };
    expect(codes(await idp.token(multi, 'common'))).toEqual([9001023]);
    expect(codes(await idp.token(multi, 'organizations'))).toEqual([9001023]);
    expect(codes(await idp.token(APP, 'common'))).toEqual([50194]);
  });
});
