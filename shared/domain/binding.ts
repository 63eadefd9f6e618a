/** What a token is of use only with: a key, by its thumbprint (RFC 9449 §6.1), a client certificate, by its (RFC 8705 §3.1), or both. */
export interface Binding {
  readonly jkt?: string;
  readonly certificate?: string;
}

const KEY = 'jkt';
const CERTIFICATE = 'x5t#S256';

/** The `cnf` claim (RFC 7800 §3.1). */
export function confirmationOf({ jkt, certificate }: Binding): Readonly<Record<string, string>> {
  return {
    ...(jkt === undefined ? {} : { [KEY]: jkt }),
    ...(certificate === undefined ? {} : { [CERTIFICATE]: certificate }),
  };
}

/** What a `cnf` claim binds to; undefined where it binds in any way that is not known here, in part or in whole. */
export function readConfirmation(cnf: unknown): Binding | undefined {
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return undefined;
  const members = Object.entries(cnf);
  const known = members.every(
    ([name, value]) => (name === KEY || name === CERTIFICATE) && isThumbprint(value),
  );
  if (!known || members.length === 0) return undefined;
  const found = new Map<string, string>(members);
  const [jkt, certificate] = [found.get(KEY), found.get(CERTIFICATE)];
  return { ...(jkt === undefined ? {} : { jkt }), ...(certificate === undefined ? {} : { certificate }) };
}

function isThumbprint(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value);
}

/** Whether everything that a token is bound to has been proven. */
export function isProven(bound: Binding, proven: Binding | undefined): boolean {
  const has = (name: keyof Binding) => bound[name] === undefined || bound[name] === proven?.[name];
  return has('jkt') && has('certificate');
}

/**
 * What is to be issued is bound to: the key of a proof, since whoever sends one wants that; the certificate only where it is asked for,
 * since it comes with every request of a client that has one; and always what the presented token was bound to.
 */
export function bindingFor(
  proven: Binding | undefined,
  { presented, byCertificate }: { presented: Binding | undefined; byCertificate: boolean },
): Binding | undefined {
  const jkt = proven?.jkt ?? presented?.jkt;
  const certificate = (byCertificate ? proven?.certificate : undefined) ?? presented?.certificate;
  if (jkt === undefined && certificate === undefined) return undefined;
  return { ...(jkt === undefined ? {} : { jkt }), ...(certificate === undefined ? {} : { certificate }) };
}
