import { formatSecretHash, hashSecret, LEAST_SECRET_CHARS } from '../../domain/client_secret.js';
import { readArguments } from '../arguments.js';
import { type Command, UsageFault } from '../command.js';
import type { PolicyTools } from './tools.js';

/** `hash-secret`: the form in which a client's secret may stand in a policy. The secret itself is read from standard input, never from the arguments. */
export function hashClientSecret({ readInput, random }: PolicyTools): Command {
  return async ({ args, print }) => {
    const { values, positionals } = readArguments(args, {
      new: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0)
      throw new UsageFault('the secret is read from standard input, not an argument');
    const secret = values.new
      ? Buffer.from(random.bytes(32)).toString('base64url')
      : firstLine(await readInput());
    if (secret.length < LEAST_SECRET_CHARS) {
      throw new UsageFault(
        `the secret on standard input must have at least ${LEAST_SECRET_CHARS} characters`,
      );
    }
    const hash = formatSecretHash(await hashSecret(secret, random.bytes(16)));
    const made = values.new ? { secret } : {};
    if (values.json) print(JSON.stringify({ ...made, hash }));
    else for (const line of [...Object.values(made), hash]) print(line);
    return 0;
  };
}

/** What `echo` adds is not part of it. */
function firstLine(input: string): string {
  return input.split(/\r?\n/, 1)[0] ?? '';
}
