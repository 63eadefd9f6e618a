/** Settings as the platform hands them over: environment variables, which is what app settings become. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Reader = ReturnType<typeof readerOf>;

/** Reads single settings; what is wrong with one is added to the problems, by name. */
export function readerOf(env: Environment, problems: string[]) {
  return {
    required(...names: readonly [string, ...string[]]): string {
      const value = names.map((name) => env[name]).find(Boolean);
      if (value === undefined) problems.push(`${names.join(' or ')} is missing`);
      return value ?? '';
    },
    /** An absolute address; plain http only on this machine. */
    address(...names: readonly [string, ...string[]]): string {
      const value = this.required(...names);
      if (value !== '' && !isSafeAddress(value)) {
        problems.push(`${usedOf(names, env)} must be an https address (http only for localhost)`);
      }
      return value;
    },
    number(name: string, range: { least: number; most: number; preset: number }): number {
      const text = env[name];
      if (text === undefined || text === '') return range.preset;
      const value = Number(text);
      if (!Number.isFinite(value) || value < range.least || value > range.most) {
        problems.push(`${name} must be a number from ${range.least} to ${range.most}`);
      }
      return value;
    },
  };
}

/** Which of several names for one setting holds the value: the one to name when it is wrong. */
export function usedOf(names: readonly [string, ...string[]], env: Environment): string {
  return names.find((name) => env[name]) ?? names[0];
}

/** https, or plain http on this machine. */
export function isSafeAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}
