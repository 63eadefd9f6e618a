/** Whether a route value satisfies one constraint. */
export type Constraint = (value: string) => boolean;

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const float = /^\s*[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;
const decimal = /^\s*[+-]?(?:\d[\d,]*\.?\d*|\.\d+)\s*$/;
const guid =
  /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\))$/i;

const plain: Readonly<Record<string, Constraint>> = {
  int: (value) => isInteger(value, -(2n ** 31n), 2n ** 31n - 1n),
  long: (value) => isInteger(value, int64.min, int64.max),
  bool: (value) => /^\s*(true|false)\s*$/i.test(value),
  guid: (value) => guid.test(value.trim()),
  alpha: (value) => /^[a-z]*$/i.test(value),
  decimal: (value) => decimal.test(value),
  double: (value) => float.test(value),
  float: (value) => float.test(value),
  required: (value) => value !== '',
};

/** Reads one inline constraint of ASP.NET Core routing, `int` or `length(2,4)`. Throws when it is unknown or malformed. */
export function readConstraint(text: string): Constraint {
  const match = /^(\w+)(?:\((.*)\))?$/s.exec(text);
  const name = match?.[1]?.toLowerCase() ?? '';
  const argument = match?.[2];
  if (argument === undefined) {
    const known = Object.hasOwn(plain, name) ? plain[name] : undefined;
    if (!known) throw new Error(`unknown constraint "${text}"`);
    return known;
  }
  if (name === 'regex') return matching(argument);
  return numeric(name, argument.split(',').map(toBigInt), text);
}

const withOne: Readonly<Record<string, (bound: bigint) => Constraint>> = {
  length: (bound) => (value) => value.length === Number(bound),
  minlength: (bound) => (value) => value.length >= Number(bound),
  maxlength: (bound) => (value) => value.length <= Number(bound),
  min: (bound) => (value) => isInteger(value, bound, int64.max),
  max: (bound) => (value) => isInteger(value, int64.min, bound),
};

const withTwo: Readonly<Record<string, (low: bigint, high: bigint) => Constraint>> = {
  length: (low, high) => (value) => value.length >= Number(low) && value.length <= Number(high),
  range: (low, high) => (value) => isInteger(value, low, high),
};

function numeric(name: string, numbers: (bigint | undefined)[], text: string): Constraint {
  const [first, second] = numbers;
  if (first === undefined || numbers.length > 2 || numbers.includes(undefined)) {
    throw new Error(`malformed constraint "${text}"`);
  }
  const one = Object.hasOwn(withOne, name) ? withOne[name] : undefined;
  const two = Object.hasOwn(withTwo, name) ? withTwo[name] : undefined;
  const made = second === undefined ? one?.(first) : two?.(first, second);
  if (!made) throw new Error(`unknown constraint "${text}"`);
  return made;
}

function matching(source: string): Constraint {
  try {
    const pattern = new RegExp(source, 'i');
    return (value) => pattern.test(value);
  } catch {
    throw new Error(`malformed constraint "regex(${source})"`);
  }
}

function isInteger(value: string, min: bigint, max: bigint): boolean {
  const number = toBigInt(value);
  return number !== undefined && number >= min && number <= max;
}

function toBigInt(text: string): bigint | undefined {
  const match = /^\s*([+-]?)(\d{1,30})\s*$/.exec(text);
  if (!match?.[2]) return undefined;
  return match[1] === '-' ? -BigInt(match[2]) : BigInt(match[2]);
}
