export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean>>;
/** Takes one event. Callers pass ids and codes only, never a token, secret, cookie or header value. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

const plain = (value: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a log line
  /^[^\s"\u0000-\u001f]+$/.test(value) ? value : JSON.stringify(value);

/** Renders one log line: time, level, area, message, then `key=value` pairs, quoted where a value has blanks. */
export function formatLine(now: number, level: LogLevel, message: string, fields: LogFields = {}): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${plain(String(value))}`);
  return [new Date(now).toISOString(), level, 'idp', message, ...pairs].join(' ');
}

/** A log that writes to stdout, and to stderr for errors. */
export function createConsoleLog(now: () => number): Log {
  return (level, message, fields) => {
    const stream = level === 'error' ? process.stderr : process.stdout;
    stream.write(`${formatLine(now(), level, message, fields)}\n`);
  };
}
