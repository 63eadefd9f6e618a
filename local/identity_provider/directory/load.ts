import { Ajv } from 'ajv';
import { crossProblems } from './cross_checks.js';
import { directorySchema } from './schema.js';
import type { DirectoryFile } from './types.js';

/** The directory file is refused. `problems` names every place that is wrong, never a value. */
export class DirectoryError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the directory file is refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'DirectoryError';
    this.problems = problems;
  }
}

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<DirectoryFile>(directorySchema);

function shapeProblems(): string[] {
  const problems = (validate.errors ?? []).map((error) => {
    const extra: unknown = error.params.additionalProperty;
    const place = error.instancePath.slice(1) || 'the document';
    return `${place} ${error.message ?? 'is wrong'}${typeof extra === 'string' ? ` (${extra})` : ''}`;
  });
  return [...new Set(problems)];
}

/**
 * Checks a parsed directory file whole.
 * @throws DirectoryError with every problem
 */
export function checkDirectory(value: unknown): DirectoryFile {
  if (!validate(value)) throw new DirectoryError(shapeProblems());
  const problems = [...crossProblems(value)];
  if (problems.length > 0) throw new DirectoryError(problems);
  return value;
}

/**
 * Parses and checks the text of a directory file.
 * @throws DirectoryError when it is not JSON or breaks a rule
 */
export function parseDirectory(text: string): DirectoryFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DirectoryError(['the document is not JSON']);
  }
  return checkDirectory(value);
}
