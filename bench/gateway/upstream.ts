import { createServer } from 'node:http';

/** The app behind every candidate: a short answer; under `/seen` the request headers as they arrived. */
const server = createServer({ maxHeaderSize: 131_072, keepAliveTimeout: 60_000 }, (request, response) => {
  const body = request.url === '/seen' ? JSON.stringify(request.rawHeaders) : 'hello from the app\n';
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null)
    process.stdout.write(`listening url=http://127.0.0.1:${address.port}\n`);
});
