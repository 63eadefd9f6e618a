/** Severities as host.json names them, mildest first; `none` only as a threshold. */
export const logLevels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Named values on a log line. Never tokens, cookies, keys or header values. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** The host's log: one line an event. */
export interface Log {
  write(level: LogLevel, category: string, message: string, fields?: LogFields): void;
  /** Whether a line of this level would be written, to save building it. */
  enabled(level: LogLevel, category: string): boolean;
}

export interface LogOptions {
  /** Takes one line without its line end. */
  sink: (line: string) => void;
  now: () => number;
  /** `logging.logLevel` of host.json: category prefix, or `default`, to threshold. */
  thresholds: Readonly<Record<string, LogLevel>>;
}

const shortNames: Readonly<Record<LogLevel, string>> = {
  trace: 'trace',
  debug: 'debug',
  information: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'critical',
  none: 'none',
};

/** A log whose threshold for a category is that of the longest matching prefix in `thresholds`. */
export function createLog({ sink, now, thresholds }: LogOptions): Log {
  const ranks = new Map<string, number>();
  const rankOf = (category: string): number => {
    const known = ranks.get(category);
    if (known !== undefined) return known;
    const rank = logLevels.indexOf(thresholdFor(category, thresholds));
    ranks.set(category, rank);
    return rank;
  };
  const enabled = (level: LogLevel, category: string) =>
    level !== 'none' && logLevels.indexOf(level) >= rankOf(category);
  return {
    enabled,
    write(level, category, message, fields = {}) {
      if (!enabled(level, category)) return;
      const time = new Date(now()).toISOString();
      sink(`${time} ${shortNames[level]} ${category} ${oneLine(message)}${fieldText(fields)}`);
    },
  };
}

function thresholdFor(category: string, thresholds: Readonly<Record<string, LogLevel>>): LogLevel {
  let best = '';
  let level = thresholds.default ?? 'information';
  for (const [prefix, threshold] of Object.entries(thresholds)) {
    const matches = category === prefix || category.startsWith(`${prefix}.`);
    if (matches && prefix.length > best.length) {
      best = prefix;
      level = threshold;
    }
  }
  return level;
}

function fieldText(fields: LogFields): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    const shown = oneLine(String(value));
    text += ` ${name}=${/[\s"=]/.test(shown) ? JSON.stringify(shown) : shown}`;
  }
  return text;
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a log line must not be broken or forged by its content
  return text.replace(/\r?\n/g, '\\n').replace(/[\u0000-\u001f\u007f]/g, ' ');
}
