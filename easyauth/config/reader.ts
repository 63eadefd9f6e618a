/** Where readers report. `path` is the JSON path of the member; texts never quote a value. */
export interface Issues {
  problem(path: string, text: string): void;
  warn(path: string, text: string): void;
}

/** Reads one JSON value of a known type; reports what it cannot read and returns what it understood. */
export type Reader<T> = (value: unknown, path: string, issues: Issues) => T;

type Fields = Record<string, Reader<unknown>>;
export type Shape<F extends Fields> = { [K in keyof F]: ReturnType<F[K]> };
type ObjectOptions = { aliases?: Record<string, string>; ignored?: readonly string[] };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function absent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** `true`, `false` and, because `az … --set` stores text, their spellings as a string. */
export function flag(): Reader<boolean | undefined> {
  return (value, path, issues) => {
    if (absent(value)) return undefined;
    if (typeof value === 'boolean') return value;
    const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
    if (word === 'true' || word === '1') return true;
    if (word === 'false' || word === '0') return false;
    issues.problem(path, 'must be true or false');
    return undefined;
  };
}

export function text(): Reader<string | undefined> {
  return (value, path, issues) => {
    if (absent(value)) return undefined;
    if (typeof value !== 'string') {
      issues.problem(path, 'must be a string');
      return undefined;
    }
    return value.trim() === '' ? undefined : value.trim();
  };
}

/** A number of zero or more; the text form of it is accepted. */
export function amount(): Reader<number | undefined> {
  return (value, path, issues) => {
    if (absent(value) || value === '') return undefined;
    const number = typeof value === 'string' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number;
    issues.problem(path, 'must be a number, zero or more');
    return undefined;
  };
}

export function texts(): Reader<readonly string[]> {
  return (value, path, issues) => {
    if (absent(value)) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.map(String);
    issues.problem(path, 'must be an array of strings');
    return [];
  };
}

/** One of `words`, compared without case; `spellings` maps further accepted forms to one of them. */
export function oneOf<const W extends string>(
  words: readonly W[],
  spellings: Record<string, W> = {},
): Reader<W | undefined> {
  const known = new Map<string, W>(words.map((word) => [word.toLowerCase(), word]));
  for (const [other, word] of Object.entries(spellings)) known.set(other.toLowerCase(), word);
  return (value, path, issues) => {
    if (absent(value)) return undefined;
    const word = typeof value === 'string' ? known.get(value.trim().toLowerCase()) : undefined;
    if (word === undefined) issues.problem(path, `must be one of ${words.join(', ')}`);
    return word;
  };
}

const timespanForm = /^(?:(\d{1,5})\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$/;

/** A .NET time span `[d.]hh:mm[:ss[.fff]]`, in milliseconds. */
export function timespan(): Reader<number | undefined> {
  return (value, path, issues) => {
    if (absent(value)) return undefined;
    const match = typeof value === 'string' ? timespanForm.exec(value.trim()) : null;
    if (match === null) {
      issues.problem(path, 'must be a time span hh:mm:ss');
      return undefined;
    }
    const [, days = '0', hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match;
    const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
    return whole * 1000 + Math.round(Number(`0.${fraction}`) * 1000);
  };
}

/** A member that must not be there, with the reason. */
export function refused(reason: string): Reader<undefined> {
  return (value, path, issues) => {
    if (!absent(value)) issues.problem(path, reason);
    return undefined;
  };
}

/** A map with free names, each value read by `reader`. */
export function mapOf<T>(reader: Reader<T>): Reader<ReadonlyMap<string, T>> {
  return (value, path, issues) => {
    const out = new Map<string, T>();
    if (absent(value)) return out;
    if (!isRecord(value)) issues.problem(path, 'must be an object');
    else
      for (const [name, item] of Object.entries(value)) out.set(name, reader(item, join(path, name), issues));
    return out;
  };
}

type Given = Map<string, { value: unknown; path: string }>;
type Naming = { names: ReadonlyMap<string, string>; ignored: ReadonlySet<string> };

function membersOf(value: Record<string, unknown>, path: string, naming: Naming & { issues: Issues }): Given {
  const given: Given = new Map();
  for (const [key, member] of Object.entries(value)) {
    const at = join(path, key);
    const name = naming.names.get(key.toLowerCase());
    if (name === undefined) {
      if (!naming.ignored.has(key.toLowerCase())) naming.issues.warn(at, 'is not known and is ignored');
    } else if (given.has(name)) naming.issues.problem(at, 'is given twice');
    else given.set(name, { value: member, path: at });
  }
  return given;
}

/**
 * An object of known members. Names compare without case, since Microsoft's own documents differ in it. An unknown member is
 * warned about by its path; a member given twice, in two spellings, is a problem.
 */
export function object<F extends Fields>(fields: F, options: ObjectOptions = {}): Reader<Shape<F>> {
  const names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  for (const [alias, name] of Object.entries(options.aliases ?? {})) names.set(alias.toLowerCase(), name);
  const ignored = new Set((options.ignored ?? []).map((name) => name.toLowerCase()));
  return (value, path, issues) => {
    if (!absent(value) && !isRecord(value)) issues.problem(path, 'must be an object');
    const given = membersOf(isRecord(value) ? value : {}, path, { names, ignored, issues });
    const out: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(fields)) {
      const member = given.get(name);
      out[name] = read(member?.value, member?.path ?? join(path, name), issues);
    }
    // The loop above fills exactly the members of F, each by its own reader.
    return out as Shape<F>;
  };
}
