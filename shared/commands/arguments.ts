import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageFault } from './command.js';

/**
 * Options and positionals of a subcommand.
 * @throws UsageFault naming the option that is unknown, lacks its value or is given one too many
 */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageFault(firstSentence(error.message));
    throw error;
  }
}

/** Node goes on to suggest `--` escapes, which help nobody here. */
function firstSentence(message: string): string {
  return message.split('. ')[0] ?? message;
}
