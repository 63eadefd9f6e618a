import { readFileSync } from 'node:fs';
import { errorCode } from '../errors.js';

/** What reading a JSON file came to: `value` undefined when there is no such file. */
export interface JsonFile {
  value: unknown;
  problem?: string;
}

/** Reads a JSON file as the host's own reader does: comments, trailing commas and a byte order mark are allowed. */
export function readJsonFile(path: string, shownName: string): JsonFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { value: undefined };
    return { value: undefined, problem: `${shownName} cannot be read: ${errorCode(error)}` };
  }
  try {
    return { value: parseRelaxedJson(text) };
  } catch {
    // The parser's own message quotes the text, and settings files hold secrets.
    return { value: undefined, problem: `${shownName} is not valid JSON` };
  }
}

/** JSON with comments and trailing commas. Throws `SyntaxError`. */
export function parseRelaxedJson(text: string): unknown {
  const plain = text
    .replace(/^\uFEFF/, '')
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, quoted?: string) => quoted ?? ' ')
    .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, quoted?: string) => quoted ?? '');
  return JSON.parse(plain);
}

/** Whether a value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
