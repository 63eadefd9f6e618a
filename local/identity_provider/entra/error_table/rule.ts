/** One refusal: Entra's number, the OAuth error it travels under, and its text with `{named}` places. */
export type ErrorRule = Readonly<{
  code: number;
  error: string;
  status: number;
  suberror?: string;
  text: string;
}>;

/** One line of the table: 401 for `invalid_client`, otherwise 400, unless told. */
export const rule = (
  code: number,
  error: string,
  text: string,
  more: { status?: number; suberror?: string } = {},
): ErrorRule => ({
  code,
  error,
  status: error === 'invalid_client' ? 401 : 400,
  text,
  ...more,
});
