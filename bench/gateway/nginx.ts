import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../easyauth/free_port.js';
import { type Candidate, missing, type RawHeaders } from './candidate.js';
import { answering, installed, start } from './process.js';

interface Wanted {
  readonly upstream: string;
  readonly inject: RawHeaders;
  readonly directory: string;
}

function pairs(headers: RawHeaders): [string, string][] {
  return headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name, headers[index + 1] ?? ''] as [string, string]] : [],
  );
}

function config(port: number, { upstream, inject, directory }: Wanted): string {
  const set = pairs(inject).map(([name, value]) => `proxy_set_header ${name} "${value}";`);
  return `daemon off; worker_processes auto; pid ${directory}/nginx.pid; error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/f;
  uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  upstream app { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
    ${set.join('\n    ')} } }
}
`;
}

/** nginx as Debian has it, `proxy_pass` with kept-alive connections, adding the same headers as the gateway without deciding anything. */
export async function nginx(wanted: Wanted): Promise<Candidate> {
  const name = 'nginx proxy_pass';
  const program = installed('/usr/sbin/nginx');
  if (program === undefined) return missing(name, 'Debian nginx-light');
  const port = await freePort();
  const file = join(wanted.directory, 'nginx.conf');
  await writeFile(file, config(port, wanted));
  const { stop, cpuTime } = start(program, ['-c', file, '-p', wanted.directory, '-e', 'stderr']);
  const url = `http://127.0.0.1:${port}/`;
  await answering(url);
  return { name, target: { url, cookie: '' }, note: 'no authentication, headers constant', stop, cpuTime };
}
