import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createBrowser } from './demo/browser.js';
import { type StackJson, stackJsonPath } from './stack/stack_json.js';

/** `npm run sign-in -- USER`: signs a demo user in at the running stack and prints the `Cookie` header for other tools. */
async function main(loginHint: string | undefined): Promise<void> {
  if (loginHint === undefined) throw new Error('usage: npm run --silent sign-in -- alice@contoso.test');
  const { gateway } = readStack();
  const browser = createBrowser();
  const path = `/.auth/login/aad?login_hint=${encodeURIComponent(loginHint)}&post_login_redirect_uri=/.auth/me`;
  const page = await browser.visit(`${gateway}${path}`);
  if (page.status !== 200 || !page.url.startsWith(gateway))
    throw new Error('the sign-in did not end at the gateway');
  process.stdout.write(`${browser.cookie(gateway)}\n`);
}

function readStack(): StackJson {
  const stateDir = resolve(process.env.LOCAL_STATE_DIR || '.local');
  try {
    return JSON.parse(readFileSync(stackJsonPath(stateDir), 'utf8')) as StackJson;
  } catch {
    throw new Error(`no stack is running on ${stateDir}: npm start brings one up`);
  }
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'the sign-in failed'}\n`);
  process.exitCode = 1;
});
