/**
 * An app registration at a provider that refreshing depends on, by the name of its circuit: the provider's own, or a facade. Each fails
 * for itself: a facade whose secret has run out must not stop what needs no facade.
 */
export function registrationOf(provider: string, facade: string | undefined): string {
  return facade === undefined ? provider : `${provider} ${facade}`;
}

/** All that a refresh needs, the provider's own first: it comes first on the wire too. */
export function registrationsOf(provider: string, facade: string | undefined): readonly string[] {
  const own = registrationOf(provider, undefined);
  return facade === undefined ? [own] : [own, registrationOf(provider, facade)];
}
