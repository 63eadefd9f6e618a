import { parseArgs } from 'node:util';

export type CommandOptions = Readonly<{
  directory: string;
  stateDir: string;
  port: number;
  publicUrl?: string;
  identityHeader?: string;
}>;

/** The command line or environment is refused; `problems` names every setting that is wrong. */
export class OptionsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'OptionsError';
    this.problems = problems;
  }
}

type Raw = Readonly<Record<'directory' | 'state' | 'port' | 'public-url', string | undefined>>;

function parseFlags(args: readonly string[]): Raw {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        directory: { type: 'string' },
        state: { type: 'string' },
        port: { type: 'string' },
        'public-url': { type: 'string' },
      },
    });
    return { directory: undefined, state: undefined, port: undefined, 'public-url': undefined, ...values };
  } catch (error) {
    throw new OptionsError([error instanceof Error ? error.message : 'the arguments cannot be read']);
  }
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

/**
 * Reads `--directory FILE --state DIR [--port N] [--public-url URL]`. The port falls back to `IDP_PORT`, then 9400; the
 * managed-identity secret comes from `IDP_IDENTITY_HEADER` only, so that it is in no process list.
 * @throws OptionsError with every problem
 */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CommandOptions {
  const { directory, state, port: flag, 'public-url': publicUrl } = parseFlags(args);
  const port = flag ?? (env.IDP_PORT || '9400');
  const problems: string[] = [];
  if (!directory) problems.push('--directory is missing: the file with tenants, users and apps');
  if (!state) problems.push('--state is missing: the folder for keys and state');
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) problems.push('--port (IDP_PORT) must be 0 to 65535');
  if (publicUrl !== undefined && !isHttpUrl(publicUrl))
    problems.push('--public-url must be an http or https URL');
  if (problems.length > 0 || !directory || !state) throw new OptionsError(problems);
  const header = env.IDP_IDENTITY_HEADER;
  return {
    directory,
    stateDir: state,
    port: Number(port),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(header ? { identityHeader: header } : {}),
  };
}
