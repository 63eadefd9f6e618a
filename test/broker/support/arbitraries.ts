import fc from 'fast-check';
import type { Subject } from '../../../shared/domain/subject.js';

const TOKEN_CHARS = [...'abcXYZ019._-/:~!'];

/** Scope tokens from a small alphabet, so that sets overlap often. */
export const scopeToken: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...TOKEN_CHARS),
  minLength: 1,
  maxLength: 3,
});

/** Texts made to break whatever quotes, joins or splits them. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    "' or PartitionKey ne '",
    "x' or true or 'x' eq 'x",
    "''''",
    '%00',
    '%27 or 1 eq 1',
    '../../etc/passwd',
    '/\\#?',
    ') or (true',
    'a:b:c',
    '2:ab1:c',
    '__proto__',
    'constructor',
  ),
);

export const subject: fc.Arbitrary<Subject> = fc.record({
  provider: hostileText,
  tenant: hostileText,
  id: hostileText,
});
