/** A step that did not show what it should: the demo ends with it, and non-zero. */
export class DemoFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DemoFailed';
  }
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Tells the story: numbered steps in plain words, what was sent, what came back. */
export interface Narrator {
  step(title: string): void;
  say(text: string): void;
  exchange(sent: string, answer: Answer): void;
  /** @throws DemoFailed when `holds` is false */
  expect(holds: boolean, what: string): void;
}

const WIDTH = 108;

export function createNarrator(print: (line: string) => void): Narrator {
  let steps = 0;
  return {
    step(title) {
      steps += 1;
      print('');
      print(`${steps}. ${title}`);
    },
    say: (text) => print(`   ${text}`),
    exchange(sent, { status, body }) {
      print(`   → ${sent}`);
      for (const [index, line] of wrap(`${status} ${shown(body)}`).entries()) {
        print(`   ${index === 0 ? '←' : ' '} ${line}`);
      }
    },
    expect(holds, what) {
      if (!holds) throw new DemoFailed(what);
      print(`   ✓ ${what}`);
    },
  };
}

/** JSON with every token cut short: enough to see that two differ, too little to use. */
function shown(body: unknown): string {
  if (body === undefined || body === '') return '';
  if (typeof body === 'string') return shorten(body);
  return JSON.stringify(body, (_, value: unknown) => (typeof value === 'string' ? shorten(value) : value));
}

function shorten(text: string): string {
  const secret = text.length > 50 && /^[\w.~+/=-]+$/.test(text) && !/^aad:/.test(text);
  return secret ? `${text.slice(0, 10)}…${text.slice(-6)}` : text;
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  for (let rest = text; rest.length > 0 && lines.length < 8; rest = rest.slice(WIDTH)) {
    lines.push(rest.slice(0, WIDTH));
  }
  return lines;
}

/** Members of a JSON object, or none. */
export function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(members) : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
