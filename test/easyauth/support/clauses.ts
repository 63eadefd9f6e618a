import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test as its source tells it: the clauses it holds, what the clause is about, and the grade of the evidence for it. */
export interface HeldClause {
  readonly file: string;
  readonly clauses: readonly string[];
  readonly about: string;
  readonly grade: string;
  readonly title: string;
}

interface Heading {
  readonly indent: number;
  readonly clauses: readonly string[];
  readonly about: string;
  readonly grade: string;
}

const call =
  /^( *)(describe|it)(?:\.\w+)*(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*?\))?\(\s*(['"`])((?:\\.|(?!\3).)*)\3/gms;

/** Splits `§4.4 refresh statuses [M/O]`. */
function headingOf(title: string): Omit<Heading, 'indent'> {
  const [, numbers = '', text = ''] = /^((?:§[\d.]+,? *)*)(.*)$/s.exec(title) ?? [];
  const [, about = text, grade = ''] = /^(.*?)(?: \[([DMOIU/]+)\])?$/s.exec(text) ?? [];
  return { clauses: [...numbers.matchAll(/§([\d.]+)/g)].map(([, number = '']) => number), about, grade };
}

function readable(title: string): string {
  return title
    .replace(/\$\{[^}]*\}|%[sdj]/g, '…')
    .replace(/\\(.)/g, '$1')
    .replace(/\s+/g, ' ');
}

function heldIn(file: string, text: string): HeldClause[] {
  const held: HeldClause[] = [];
  const open: Heading[] = [];
  for (const [, spaces = '', kind, , raw = ''] of text.matchAll(call)) {
    while ((open.at(-1)?.indent ?? -1) >= spaces.length) open.pop();
    const own = headingOf(readable(raw));
    const outer = open.findLast(({ clauses }) => clauses.length > 0);
    if (kind === 'describe') open.push({ ...own, indent: spaces.length });
    else {
      const clauses = own.clauses.length > 0 ? own.clauses : (outer?.clauses ?? []);
      const inner = open.filter(({ indent }) => indent > (outer?.indent ?? -1)).map(({ about }) => about);
      const title = [...inner, own.about].join(': ');
      const { about = '', grade = '' } = outer ?? {};
      held.push({ file, clauses, about, grade: own.grade || grade, title });
    }
  }
  return held;
}

/** Every test of a folder, in the order of its files. */
export function heldClauses(folder: string): HeldClause[] {
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.test.ts') && name !== 'compatibility.test.ts',
  );
  return files.sort().flatMap((file) => heldIn(file, readFileSync(join(folder, file), 'utf8')));
}
