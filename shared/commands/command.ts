/** What an operator typed after the command's name, and where the answer goes. */
export interface CommandCall {
  readonly args: readonly string[];
  readonly print: (line: string) => void;
}

/** @returns the exit code: 0 when all is well, 1 when the answer is bad news. @throws UsageFault */
export type Command = (call: CommandCall) => Promise<number>;

/** What was typed cannot be understood: the message names what is wrong, and the usage follows it. */
export class UsageFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageFault';
  }
}

/** One of several things a command can do, chosen by its first word. */
export interface Subcommand {
  readonly name: string;
  /** What follows the name, as the usage shows it. */
  readonly synopsis: string;
  readonly summary: string;
  readonly run: Command;
}

/** A command of several parts; `--help`, alone or with any of them, prints the usage. */
export function commandOf(name: string, subcommands: readonly Subcommand[]): Command {
  const byName = new Map(subcommands.map((subcommand) => [subcommand.name, subcommand]));
  return async ({ args: [chosen, ...args], print }) => {
    if (chosen === '--help' || chosen === 'help' || args.includes('--help')) {
      print(usageOf(name, subcommands));
      return 0;
    }
    const subcommand = chosen === undefined ? undefined : byName.get(chosen);
    if (!subcommand) {
      const problem = chosen === undefined ? 'a subcommand is missing' : 'the subcommand is not known';
      throw new UsageFault(`${problem}\n\n${usageOf(name, subcommands)}`);
    }
    return subcommand.run({ args, print });
  };
}

function usageOf(name: string, subcommands: readonly Subcommand[]): string {
  const lines = subcommands.map(({ name: word, synopsis, summary }) => {
    const typed = synopsis === '' ? word : `${word} ${synopsis}`;
    return `  npm run ${name} -- ${typed}\n      ${summary}`;
  });
  return ['Usage:', ...lines].join('\n');
}
