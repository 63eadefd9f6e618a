/** Strings, and what gives a document its shape; what is between them is of no interest here. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

interface Level {
  /** Names seen so far, in an object. */
  readonly names: Set<string> | undefined;
  /** Under which name the present value stands. */
  name: string;
}

/**
 * Names that an object of this document has twice, by their place. JSON lets the last one win in silence: whoever reviews the first would
 * not see which rule is in force.
 * @param text valid JSON
 */
export function repeatedMembers(text: string): readonly string[] {
  const repeated: string[] = [];
  const levels: Level[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') levels.push({ names: new Set(), name: '' });
    if (token === '[') levels.push({ names: undefined, name: '' });
    if (token === '}' || token === ']') levels.pop();
    if (token === ':' && enter(levels.at(-1), last)) repeated.push(levels.map(({ name }) => name).join('/'));
    last = token;
  }
  return repeated;
}

/** @returns whether the name was there before */
function enter(level: Level | undefined, quoted: string): boolean {
  if (!level?.names) return false;
  level.name = String(JSON.parse(quoted));
  const isRepeated = level.names.has(level.name);
  level.names.add(level.name);
  return isRepeated;
}
