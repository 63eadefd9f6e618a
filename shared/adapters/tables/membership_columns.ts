import { Unreadable } from '../../domain/errors.js';
import type { Membership, ProvenMembership } from '../../domain/membership.js';
import { columnsOf } from './columns.js';
import type { Row } from './table.js';

/** A text column takes 32,768 characters. */
const MOST_CHARS = 30_000;

/** As JSON; a list too long for the column is as good as one that the provider left out. */
export function membershipColumn({ groups, roles }: Membership): string {
  const texts = [
    { groups, roles },
    { groups: 'too_many', roles },
  ].map((said) => JSON.stringify(said));
  return texts.find(({ length }) => length <= MOST_CHARS) ?? JSON.stringify({ groups: 'too_many' });
}

export function readMembership(row: Row): ProvenMembership | undefined {
  const read = columnsOf('connections', row);
  const text = read.optionalText('membership');
  if (text === undefined) return undefined;
  const { groups, roles } = parse(text);
  return {
    provenAt: read.time('provenAt'),
    ...(groups === undefined ? {} : { groups: groups === 'too_many' ? groups : strings(groups) }),
    ...(roles === undefined ? {} : { roles: strings(roles) }),
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {}
  throw unreadable();
}

function strings(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw unreadable();
}

function unreadable(): Unreadable {
  return new Unreadable('connections row has an unreadable column membership');
}
