export const logLevels = ['off', 'error', 'warn', 'info', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['human', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one event. Callers never pass tokens, cookies, secrets or header values. */
export type Log = (level: Exclude<LogLevel, 'off'>, message: string, fields?: LogFields) => void;

const plain = /^[\w.:/@+~-]+$/;

function field([key, value]: [string, string | number | boolean | undefined]): string {
  const text = String(value);
  return `${key}=${plain.test(text) ? text : JSON.stringify(text)}`;
}

/** One event as one line: `2026-11-23T01:02:03.456Z level easyauth message key=value`. Line breaks in values are escaped. */
export function formatLine(at: number, level: string, message: string, fields: LogFields = {}): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  const head = `${new Date(at).toISOString()} ${level} easyauth ${message.replace(/[\r\n]+/g, ' ')}`;
  return [head, ...pairs.map(field)].join(' ');
}

/** One event as one JSON object a line: `time`, `level`, `area`, `message`, then the fields. */
export function formatJson(at: number, level: string, message: string, fields: LogFields = {}): string {
  const head = { time: new Date(at).toISOString(), level, area: 'easyauth', message };
  return JSON.stringify({ ...head, ...fields, ...head });
}

/** Logs to stdout (info, trace) and stderr (warn, error) what is at or above `level`. */
export function createConsoleLog(
  level: LogLevel,
  format: LogFormat = 'human',
  now: () => number = Date.now,
): Log {
  const most = logLevels.indexOf(level);
  const write = format === 'json' ? formatJson : formatLine;
  return (eventLevel, message, fields) => {
    if (logLevels.indexOf(eventLevel) > most) return;
    const stream = eventLevel === 'error' || eventLevel === 'warn' ? process.stderr : process.stdout;
    stream.write(`${write(now(), eventLevel, message, fields)}\n`);
  };
}
