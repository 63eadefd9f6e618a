/** What a person is told of a sign-in that did not succeed. Closed, so that `login/done` shows nothing that others made up. */
export const loginTexts = {
  failed: 'The sign-in failed.',
  retry: 'The sign-in failed. Go back and try again.',
  notAllowed: 'You are signed in but not allowed to use this app.',
  misconfigured: 'The sign-in is not configured correctly.',
  unreachable: 'The identity provider cannot be reached. Try again later.',
} as const;

/** The provider's own code, which consists of word characters, dots and dashes. */
export function failedWith(code: string): string {
  return `The sign-in failed: ${code}.`;
}
