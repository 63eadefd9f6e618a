import { BadRequestError } from '../errors.js';

type Body = Readonly<Record<string, unknown>>;

/** A token of the posted body: visible ASCII. Undefined when absent. @throws BadRequestError */
export function optionalToken(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' && /^[\x21-\x7e]{1,16000}$/.test(value)) return value;
  throw new BadRequestError(`${name} must be a token`);
}

/** A token that must be there. @throws BadRequestError */
export function requiredToken(body: Body, name: string): string {
  const value = optionalToken(body, name);
  if (value === undefined) throw new BadRequestError(`${name} is missing`);
  return value;
}

/** Seconds, as a number or its text. Undefined when absent. @throws BadRequestError */
export function optionalSeconds(body: Body, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === '') return undefined;
  const seconds = typeof value === 'string' ? Number(value) : value;
  if (typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 && seconds < 1e9) return seconds;
  throw new BadRequestError(`${name} must be a number of seconds`);
}
