import { resolve } from 'node:path';
import { StackFault } from './stack/fault.js';
import { type Stack, startStack } from './stack/stack.js';
import { stackJsonPath } from './stack/stack_json.js';

/** `npm start`: everything on one machine, until Ctrl-C. */
async function main(): Promise<number> {
  const stateDir = resolve(process.env.LOCAL_STATE_DIR || '.local');
  const asked = signalled();
  const print = (line: string) => process.stdout.write(`${line}\n`);
  print('Starting the identity provider, Azurite, the Functions host and the Easy Auth gateway …');
  const stack = await startStack({ stateDir, env: process.env, print });
  printReady(stack, stateDir, print);
  try {
    await Promise.race([asked, stack.failed]);
    print('Stopping …');
    return 0;
  } finally {
    await stack.stop();
  }
}

function signalled(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}

function printReady({ json }: Stack, stateDir: string, print: (line: string) => void): void {
  print(`  gateway            ${json.gateway}   (sign in: ${json.gateway}/.auth/login/aad)`);
  print(`  Functions host     ${json.functions}`);
  print(`  identity provider  ${json.idp}`);
  print(`  logs               ${resolve(stateDir, 'logs')}`);
  print(`Ready: ${json.gateway} (addresses, users and clients: ${stackJsonPath(stateDir)})`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof StackFault;
    process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
