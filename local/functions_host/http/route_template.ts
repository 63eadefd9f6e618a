import { type Constraint, readConstraint } from './route_constraints.js';

/** One `{…}` of a template. */
export interface RouteParameter {
  name: string;
  catchAll: boolean;
  optional: boolean;
  fallback: string | undefined;
  constraints: readonly Constraint[];
}

/** A segment between slashes: literal text, one whole parameter, or a mixture matched by a pattern. */
export type RouteSegment =
  | { kind: 'literal'; text: string }
  | { kind: 'parameter'; parameter: RouteParameter }
  | { kind: 'mixed'; pattern: RegExp; parameters: readonly RouteParameter[] };

type Part = string | RouteParameter;

/** Parses a template of ASP.NET Core routing once. Throws an `Error` that says what is wrong with it. */
export function parseTemplate(template: string): RouteSegment[] {
  const trimmed = template.replace(/^\/+|\/+$/g, '');
  const texts = trimmed === '' ? [] : splitSegments(trimmed);
  const segments = texts.map((text) => toSegment(splitParts(text), text));
  const names = segments.flatMap(parametersOf).map((parameter) => parameter.name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`parameter "${twice}" appears twice`);
  const early = segments.slice(0, -1).some((s) => s.kind === 'parameter' && s.parameter.catchAll);
  if (early) throw new Error('a catch-all parameter must be the last segment');
  return segments;
}

/** Whether a segment may be absent at the end of a path. */
export function mayBeAbsent(segment: RouteSegment): boolean {
  if (segment.kind !== 'parameter') return false;
  const { optional, fallback, catchAll } = segment.parameter;
  return optional || catchAll || fallback !== undefined;
}

function parametersOf(segment: RouteSegment): readonly RouteParameter[] {
  if (segment.kind === 'literal') return [];
  return segment.kind === 'parameter' ? [segment.parameter] : segment.parameters;
}

/** Splits at slashes outside braces: a regex constraint may hold one. */
function splitSegments(template: string): string[] {
  const segments = [''];
  let depth = 0;
  for (const character of template) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === '/' && depth === 0) segments.push('');
    else segments[segments.length - 1] += character;
  }
  if (depth !== 0) throw new Error('its braces do not match');
  if (segments.includes('')) throw new Error('it has an empty segment');
  return segments;
}

/** Literals and parameters of one segment in order; `{{` and `}}` stand for single braces. */
function splitParts(segment: string): Part[] {
  const parts: Part[] = [];
  for (const piece of segment.match(/\{\{|\}\}|\{(?:\{\{|\}\}|[^{}])*\}|[^{}]+|[{}]/g) ?? []) {
    const part = readPiece(piece);
    const last = parts.at(-1);
    if (typeof part === 'object' && typeof last === 'object') {
      throw new Error('two parameters need a literal between them');
    }
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else parts.push(part);
  }
  return parts;
}

function readPiece(piece: string): Part {
  if (piece === '{{' || piece === '}}') return piece.charAt(0);
  if (piece === '{' || piece === '}') throw new Error('its braces do not match');
  if (piece.startsWith('{')) return parseParameter(unescapeBraces(piece.slice(1, -1)));
  if (piece.includes('?')) throw new Error('a literal must not contain "?"');
  return piece;
}

function unescapeBraces(text: string): string {
  return text.replaceAll('{{', '{').replaceAll('}}', '}');
}

function parseParameter(text: string): RouteParameter {
  const match =
    /^(\*{0,2})([^:=?*{}/]+)((?::(?:\w+)(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?)*)(=[^?]*)?(\?)?$/s.exec(
      text,
    );
  const [, stars = '', name = '', constraints = '', fallback, optional] = match ?? [];
  if (!match) throw new Error(`parameter "{${text}}" is malformed`);
  if (optional && (stars || fallback)) {
    throw new Error(`parameter "{${text}}" cannot be optional and also catch-all or have a default`);
  }
  return {
    name,
    catchAll: stars !== '',
    optional: optional === '?',
    fallback: fallback?.slice(1),
    constraints: splitConstraints(constraints).map(readConstraint),
  };
}

/** `:int:length(1,2)` to its members; a colon within parentheses belongs to its constraint. */
function splitConstraints(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ':' && depth === 0) found.push('');
    else found[found.length - 1] += character;
  }
  return found;
}

function toSegment(parts: Part[], text: string): RouteSegment {
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'string') return { kind: 'literal', text: only.toLowerCase() };
  if (parts.length === 1 && typeof only === 'object') return { kind: 'parameter', parameter: only };
  const parameters = parts.filter((part) => typeof part === 'object');
  if (parameters.some((parameter) => parameter.catchAll)) {
    throw new Error(`a catch-all parameter must be a segment of its own: "${text}"`);
  }
  return { kind: 'mixed', pattern: mixedPattern(parts, text), parameters };
}

function mixedPattern(parts: Part[], text: string): RegExp {
  let source = '';
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') {
      source += escapePattern(part);
      continue;
    }
    if (!part.optional) {
      source += '(.+)';
      continue;
    }
    // ASP.NET: `{name}.{ext?}`, where a missing last parameter takes its dot with it.
    if (index !== parts.length - 1 || !source.endsWith('\\.')) {
      throw new Error(`an optional parameter here must be last and follow a dot: "${text}"`);
    }
    source = `${lastLazy(source.slice(0, -2))}(?:\\.([^.]+))?`;
  }
  return new RegExp(`^${source}$`, 'is');
}

/** The parameter before an optional one must leave it its part; the others take as much as they can, as in ASP.NET. */
function lastLazy(source: string): string {
  const at = source.lastIndexOf('(.+)');
  return at < 0 ? source : `${source.slice(0, at)}(.+?)${source.slice(at + 4)}`;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
