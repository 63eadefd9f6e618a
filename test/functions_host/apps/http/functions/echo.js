import { app } from '@azure/functions';

/** Shows the request as the function saw it. */
export async function echo(request) {
  return {
    jsonBody: {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      query: [...request.query],
      params: request.params,
      body: await request.text(),
    },
  };
}

app.http('echo', { route: 'echo/{*rest}', methods: ['GET', 'POST', 'PUT'], handler: echo });
app.http('getItem', {
  route: 'items/{id}',
  methods: ['GET'],
  handler: () => ({ body: 'getItem' }),
});
app.http('searchItem', {
  route: 'items/search',
  methods: ['GET'],
  handler: () => ({ body: 'searchItem' }),
});
app.http('optional', { route: 'optional/{a?}', methods: ['GET'], handler: echo });
app.http('typed', { route: 'typed/{id:int:min(1)}/{kind=plain}', methods: ['GET'], handler: echo });
app.http('head', { route: 'head', methods: ['HEAD', 'OPTIONS'], handler: () => ({ body: 'not seen' }) });
