/** One claim as the app sees it. All values are text. */
export interface Claim {
  readonly typ: string;
  readonly val: string;
}

/** Who is calling, as the platform headers tell it. */
export interface Principal {
  readonly provider: string;
  /** The provider's identifier of the caller: `oid` at Entra. */
  readonly id: string;
  /** Absent for an application calling as itself. */
  readonly name: string | undefined;
  readonly nameType: string;
  readonly roleType: string;
  readonly claims: readonly Claim[];
}

/** Writes JSON; with `slashes`, `/` as `\/`, the way .NET's serializer does. */
export function toJson(value: unknown, slashes: boolean): string {
  const json = JSON.stringify(value);
  return slashes ? json.replaceAll('/', '\\/') : json;
}

/** Text as header octets: UTF-8, without the control characters no header may hold. */
export function headerText(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  return Buffer.from(value.replace(/[\u0000-\u001f\u007f]/g, ''), 'utf8').toString('latin1');
}

/** The four platform headers as a raw array: name, value, name, value. Source: reference §2.1, §2.2. */
export function principalHeaders(principal: Principal, slashes: boolean): string[] {
  const document = {
    auth_typ: principal.provider,
    claims: principal.claims,
    name_typ: principal.nameType,
    role_typ: principal.roleType,
  };
  const headers = [
    'X-MS-CLIENT-PRINCIPAL',
    Buffer.from(toJson(document, slashes), 'utf8').toString('base64'),
    'X-MS-CLIENT-PRINCIPAL-ID',
    headerText(principal.id),
    'X-MS-CLIENT-PRINCIPAL-IDP',
    headerText(principal.provider),
  ];
  if (principal.name !== undefined) headers.push('X-MS-CLIENT-PRINCIPAL-NAME', headerText(principal.name));
  return headers;
}

/** All values of one claim type. */
export function claimValues(principal: Principal, type: string): string[] {
  return principal.claims.filter((claim) => claim.typ === type).map((claim) => claim.val);
}
