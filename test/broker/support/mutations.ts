import fc from 'fast-check';

/** Nobody's word: whatever holds it came from the request. Names that are plain words may be repeated, so it stands in values and in other names. */
export const CANARY = 'c4n4ry';

export type Pairs = readonly (readonly [name: string, value: string])[];

/** A request body, and what goes along with it. */
export interface Mutant {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const FORM_TYPE = 'application/x-www-form-urlencoded';

const marked = (text: string) => `${text}${CANARY}`;

/** Values that break what quotes, joins, splits, counts or believes them; each holds the canary. */
const hostileValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map(marked),
  fc
    .constantFrom(
      "' or 1 eq 1 or '",
      '<script>',
      '"}{"',
      '\u0000',
      '\r\nSet-Cookie: a=',
      '../',
      '\ud800',
      'a b ',
      'é\u202e',
    )
    .map(marked),
  fc.integer({ min: 1, max: 5000 }).map((length) => marked('x'.repeat(length))),
  fc.constantFrom(
    `eyJhbGciOiJub25lIn0.e30.${CANARY}`,
    `[${CANARY}`,
    `{"${CANARY}":1}`,
    `https://${CANARY}/#`,
  ),
);

const otherName = fc.constantFrom(
  ...['scope', 'resource', 'audience', 'min_ttl', 'claims', 'client_id', 'client_secret', 'client_assertion'],
  ...['client_assertion_type', 'actor_token', 'actor_token_type', 'requested_token_type', 'subject_token'],
  ...['subject_token_type', 'refresh_token', 'code', 'code_verifier', 'redirect_uri', 'grant_type', 'token'],
  ...[
    'token_type_hint',
    'expires_in',
    '__proto__',
    'constructor',
    'toString',
    '',
    'scope[]',
    'resource.x',
    `<${CANARY}>`,
  ],
);

type Change = (pairs: Pairs) => Pairs;

function at(pairs: Pairs, position: number, change: (name: string, value: string) => Pairs): Pairs {
  const index = pairs.length === 0 ? -1 : position % pairs.length;
  return pairs.flatMap((pair, here) => (here === index ? change(pair[0], pair[1]) : [pair]));
}

const position = fc.nat(20);

/** One step away from a valid request. */
const change: fc.Arbitrary<Change> = fc.oneof(
  position.map(
    (n): Change =>
      (pairs) =>
        at(pairs, n, () => []),
  ),
  position.map(
    (n): Change =>
      (pairs) =>
        at(pairs, n, (name) => [[name, '']]),
  ),
  position.map(
    (n): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [
          [name, value],
          [name, value],
        ]),
  ),
  fc.tuple(position, hostileValue).map(
    ([n, other]): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [
          [name, value],
          [name, other],
        ]),
  ),
  fc.tuple(position, hostileValue).map(
    ([n, other]): Change =>
      (pairs) =>
        at(pairs, n, (name) => [[name, other]]),
  ),
  fc.tuple(position, hostileValue).map(
    ([n, more]): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [[name, `${value}${more}`]]),
  ),
  fc.tuple(position, fc.nat(60)).map(
    ([n, cut]): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [[name, value.slice(0, cut)]]),
  ),
  position.map(
    (n): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [[name, value.toUpperCase()]]),
  ),
  position.map(
    (n): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [[name.toUpperCase(), value]]),
  ),
  position.map(
    (n): Change =>
      (pairs) =>
        at(pairs, n, (name, value) => [[` ${name}`, value]]),
  ),
  fc.tuple(otherName, hostileValue).map(
    ([name, value]): Change =>
      (pairs) => [...pairs, [name, value]],
  ),
  fc.constant<Change>((pairs) => [...pairs].reverse()),
);

/** Ways to write a form: the usual one, and those that parsers disagree about. */
const encoding: fc.Arbitrary<(pairs: Pairs) => string> = fc.oneof(
  { weight: 15, arbitrary: fc.constant((pairs: Pairs) => plain(pairs)) },
  fc.constant((pairs: Pairs) =>
    plain(pairs).replace(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  ),
  fc
    .constantFrom('%', '%zz', '%c0%af', '%ff%fe', '&', '&&=', ';', '=', '%00=%00', '\ufeff', `&a=${CANARY}%`)
    .map((junk) => (pairs: Pairs) => `${plain(pairs)}${junk}`),
  fc
    .constantFrom('&', ';', ' ', '\n')
    .map((separator) => (pairs: Pairs) => plain(pairs).replaceAll('&', separator)),
  fc.constant((pairs: Pairs) => JSON.stringify(Object.fromEntries(pairs))),
  fc.constant((pairs: Pairs) => `${plain(pairs)}&pad=${CANARY}${'x'.repeat(70_000)}`),
  fc.constant((pairs: Pairs) =>
    plain([...pairs, ...Array.from({ length: 60 }, (_, n) => [`a${n}`, CANARY] as const)]),
  ),
);

function plain(pairs: Pairs): string {
  return new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString();
}

/** Header values as HTTP lets them through. */
const headerText = fc
  .string({ unit: 'binary-ascii', maxLength: 60 })
  .map((text) => `${text.replace(/[^\x20-\x7e]/g, '')}${CANARY}`);

const headers = fc.oneof(
  { weight: 15, arbitrary: fc.constant({}) },
  fc
    .constantFrom(
      ...[
        `${FORM_TYPE}; charset=utf-8`,
        `${FORM_TYPE};charset=${CANARY}`,
        FORM_TYPE.toUpperCase(),
        'text/plain',
      ],
      ...['application/json', `multipart/form-data; boundary=${CANARY}`, `${FORM_TYPE}, text/plain`, CANARY],
    )
    .map((type) => ({ 'content-type': type })),
  headerText.map((text) => ({ authorization: text })),
  fc
    .tuple(fc.constantFrom('Basic ', 'Bearer ', 'DPoP '), headerText)
    .map(([scheme, text]) => ({ authorization: scheme + text })),
  headerText.map((text) => ({ dpop: text })),
  headerText.map((text) => ({ cookie: `AppServiceAuthSession=${text}`, 'x-forwarded-host': text })),
  headerText.map((text) => ({ 'x-http-method-override': 'GET', accept: text, origin: text })),
);

/** Requests a few steps away from valid ones. */
export function mutants(bases: readonly Pairs[]): fc.Arbitrary<Mutant> {
  return fc
    .tuple(fc.constantFrom(...bases), fc.array(change, { maxLength: 3 }), encoding, headers)
    .map(([base, changes, encode, extra]) => ({
      body: encode(changes.reduce<Pairs>((pairs, step) => step(pairs), base)),
      headers: { 'content-type': FORM_TYPE, ...extra },
    }));
}

/** Every request exactly one step away: each parameter gone, empty, doubled, cut short, and in place of its value what nobody expects. */
export function neighbours(base: Pairs): readonly Mutant[] {
  const strange = [
    CANARY,
    `"<${CANARY}>`,
    `\u0000${CANARY}`,
    `${CANARY} ${CANARY}`,
    `{"access_token":{"${CANARY}":1}}`,
  ];
  const steps = base.flatMap(([name, value]): [string, ...Pairs][] => [
    [name],
    [name, [name, '']],
    [name, [name, value], [name, value]],
    [name, [name, value.slice(0, -1)]],
    ...[...strange, `${value}${CANARY}`].map((other): [string, ...Pairs] => [name, [name, other]]),
  ]);
  return steps.map(([changed, ...instead]) => ({
    body: plain(base.flatMap((pair) => (pair[0] === changed ? instead : [pair]))),
    headers: { 'content-type': FORM_TYPE },
  }));
}
