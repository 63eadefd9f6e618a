import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock, Log, LogFields, Random } from '../ports.js';

export const systemClock: Clock = () => Date.now();

export const systemRandom: Random = { uuid: () => randomUUID(), bytes: (count) => randomBytes(count) };

/** One line an event on the console, where the Functions host and Application Insights pick it up. */
export const consoleLog: Log = {
  info: (message, fields) => console.log(line(message, fields)),
  warn: (message, fields) => console.warn(line(message, fields)),
  error: (message, fields) => console.error(line(message, fields)),
};

function line(message: string, fields: LogFields = {}): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return [message, ...pairs.map(([name, value]) => `${name}=${quote(String(value))}`)].join(' ');
}

/** Line breaks and blanks inside a value would let it forge a second field or a second line. */
function quote(value: string): string {
  return /^[\x21\x23-\x7e]+$/.test(value) ? value : JSON.stringify(value);
}
