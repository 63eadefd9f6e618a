// A small app as people write them for App Service: it reads the X-MS-* headers, its page calls /.auth/me and /.auth/refresh.
// It knows nothing of the gateway in front of it.
import { createServer } from 'node:http';

const page = (
  name,
) => `<!doctype html><html lang="en"><title>Notes</title><h1>Notes of <span id="name">${name}</span></h1>
<p><button id="me">Who am I?</button> <button id="refresh">Refresh</button> <button id="mail">Read mail</button>
<a id="out" href="/.auth/logout?post_logout_redirect_uri=/signed-out">Sign out</a></p><pre id="out-text"></pre>
<script>
const show = (text) => { document.getElementById('out-text').textContent = text; };
document.getElementById('me').onclick = async () => {
  const [entry] = await (await fetch('/.auth/me')).json();
  const claim = entry.user_claims.find(({ typ }) => typ === 'name');
  show(JSON.stringify({ user: entry.user_id, name: claim.val, provider: entry.provider_name, expires: entry.expires_on, token: entry.access_token }));
};
document.getElementById('refresh').onclick = async () => {
  const answer = await fetch('/.auth/refresh');
  show(answer.ok ? 'refreshed' : 'refresh failed: ' + answer.status);
};
document.getElementById('mail').onclick = async () => {
  show(await (await fetch('/api/token')).text());
};
</script></html>`;

const escapeHtml = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

function principalOf(request) {
  const header = request.headers['x-ms-client-principal'];
  if (!header) return undefined;
  return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
}

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/signed-out') return response.end('Bye');
  const principal = principalOf(request);
  if (!principal) return response.writeHead(401).end();
  const name =
    principal.claims.find(({ typ }) => typ === 'name')?.val ?? request.headers['x-ms-client-principal-name'];
  if (path === '/api/token') {
    response.setHeader('content-type', 'application/json');
    return response.end(
      JSON.stringify({
        token: request.headers['x-ms-token-aad-access-token'],
        expires: request.headers['x-ms-token-aad-expires-on'],
        idp: request.headers['x-ms-client-principal-idp'],
      }),
    );
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  return response.end(page(escapeHtml(name)));
});
server.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
