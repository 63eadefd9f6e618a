/** Where a value stands in a JSON text: its first character and the one after its last. */
interface Span {
  readonly start: number;
  readonly end: number;
}

interface Member extends Span {
  readonly name: string;
}

const space = /[ \t\r\n]*/y;
const token = /"(?:[^"\\]|\\.)*"|[^\s,\]}:]+/y;

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

const skip = (text: string, at: number) => after(space, text, at);

/** The end of the value that begins at `at`. The text is known to be valid JSON. */
function endOf(text: string, at: number): number {
  const open = text[at];
  if (open !== '{' && open !== '[') return after(token, text, at);
  let depth = 0;
  for (let index = at; index < text.length; ) {
    const char = text[index];
    if (char === '{' || char === '[') depth += 1;
    if (char === '}' || char === ']') depth -= 1;
    index = char === '"' ? after(token, text, index) : index + 1;
    if (depth === 0) return index;
  }
  return text.length;
}

function membersOf(text: string, object: Span): Member[] {
  const members: Member[] = [];
  let at = skip(text, object.start + 1);
  while (at < object.end - 1) {
    const nameEnd = after(token, text, at);
    const name: unknown = JSON.parse(text.slice(at, nameEnd));
    const start = skip(text, skip(text, nameEnd) + 1);
    const end = endOf(text, start);
    members.push({ name: String(name), start, end });
    const next = skip(text, end);
    at = text[next] === ',' ? skip(text, next + 1) : object.end;
  }
  return members;
}

/** The white space of the line on which `at` stands. */
function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function insert(text: string, object: Span, member: string): string {
  const [first] = membersOf(text, object);
  if (first === undefined) {
    const spread = text.includes('\n') ? `\n${indentAt(text, object.start)}` : '';
    const inner = spread === '' ? '' : `${spread}  `;
    return `${text.slice(0, object.start)}{${inner}${member}${spread}}${text.slice(object.end)}`;
  }
  const at = skip(text, object.start + 1);
  const between = text.slice(object.start + 1, at);
  const gap = between === '' && text.includes('\n') ? ' ' : between;
  return `${text.slice(0, at)}${member},${gap}${text.slice(at)}`;
}

/**
 * Sets one member of a JSON text, by a path of names compared without case, and leaves every other character as it is. Objects
 * missing on the way are made; a value on the way that is no object is replaced by one.
 * @param text valid JSON whose top is an object
 */
export function setMember(text: string, path: readonly string[], value: string): string {
  const start = skip(text, 0);
  let object: Span = { start, end: endOf(text, start) };
  for (const [depth, name] of path.entries()) {
    const found = membersOf(text, object).findLast(
      (member) => member.name.toLowerCase() === name.toLowerCase(),
    );
    const rest = path.slice(depth + 1);
    const nested = rest.reduceRight((inner, outer) => `{ ${JSON.stringify(outer)}: ${inner} }`, value);
    if (found === undefined) return insert(text, object, `${JSON.stringify(name)}: ${nested}`);
    if (rest.length === 0 || text[found.start] !== '{')
      return text.slice(0, found.start) + nested + text.slice(found.end);
    object = found;
  }
  return text;
}
