import { app } from '@azure/functions';

const get = (name, handler, more = {}) => app.http(name, { methods: ['GET', 'POST'], ...more, handler });

get('nothing', () => undefined);
get('empty', () => ({}));
get('text', () => 'not an object');
get('throws', () => {
  throw new Error('secret reason');
});
get('created', () => ({
  status: 201,
  headers: { 'x-from': 'function', 'set-cookie': 'lost=1' },
  jsonBody: { a: 1 },
}));
get('bytes', () => ({ body: new Uint8Array([0, 1, 2, 255]) }));
get('noContent', () => ({ status: 204, body: 'dropped' }));
get('wrongLength', () => ({ headers: { 'content-length': '99' }, body: 'short' }));
get('cookies', () => ({
  cookies: [
    { name: 'plain', value: 'a b;c' },
    {
      name: 'full',
      value: '1',
      expires: new Date(Date.UTC(2030, 0, 2, 3, 4, 5)),
      maxAge: 60,
      domain: 'contoso.test',
      path: '/x',
      secure: true,
      httpOnly: true,
      sameSite: 'Lax',
    },
    { name: 'gone', value: '', expires: new Date(0), sameSite: 'None' },
  ],
}));
get('switchedOff', () => ({ body: 'here' }));
get('keyed', () => ({ body: 'open' }), { authLevel: 'function' });
get('manage', () => ({ body: 'open' }), { authLevel: 'admin' });
get('quiet', (_, context) => {
  context.log('information is not shown');
  context.error('error is shown');
  return {};
});
get('slow', async (request) => {
  console.log('slow has begun');
  await new Promise((resolve) => setTimeout(resolve, Number(request.query.get('ms'))));
  return { body: 'slow answer' };
});
