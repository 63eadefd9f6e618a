import type { HttpClient } from '../adapters/http_client.js';
import { createFacebookClient } from '../adapters/provider/facebook.js';
import { createGitHubClient } from '../adapters/provider/github.js';
import { createProviderDocuments } from '../adapters/provider/metadata.js';
import type { ConfiguredProvider } from '../adapters/provider/provider.js';
import { createSessionClient } from '../adapters/provider/session.js';
import { createTwitterClient } from '../adapters/provider/twitter.js';
import type { Config, OtherProvider, ProviderSettings } from '../config.js';
import type { Policy } from '../policy.js';
import type { Clock, Random } from '../ports.js';
import { aad } from '../providers/aad.js';
import { facebook } from '../providers/facebook.js';
import { github } from '../providers/github.js';
import { google } from '../providers/google.js';
import { openIdRules } from '../providers/openid.js';
import type { ProviderRules } from '../providers/rules.js';
import { twitter } from '../providers/twitter.js';

interface Means {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
}

/** Every provider that is on, by its name. */
export function createProviders(config: Config, means: Means): ReadonlyMap<string, ConfiguredProvider> {
  const others = config.others.map((other): [string, ConfiguredProvider] => [
    other.name,
    configured(other, config, means),
  ]);
  return new Map([[aad.name, entraOf(config.aad, means)], ...others]);
}

function entraOf(settings: ProviderSettings, means: Means): ConfiguredProvider {
  if (!settings.tenants) {
    return { settings, rules: aad, documents: createProviderDocuments(settings, means) };
  }
  const tenants = new Map(settings.tenants.map((each) => [each.tenant, entraOf(each, means)]));
  return { settings, rules: aad, tenants };
}

function configured(settings: OtherProvider, config: Config, means: Means): ConfiguredProvider {
  const deps = { settings, ...means };
  switch (settings.kind) {
    case 'google':
      return { settings, rules: google, documents: createProviderDocuments(settings, means) };
    case 'facebook':
      return { settings, rules: facebook, client: createFacebookClient(deps) };
    case 'twitter':
      return { settings, rules: twitter, client: createTwitterClient(deps) };
    case 'github':
      return { settings, rules: github, client: createGitHubClient(deps) };
    case 'openid':
      return openId(settings, config, means);
  }
}

function openId(settings: OtherProvider, config: Config, means: Means): ConfiguredProvider {
  const { name, rotation } = settings;
  const { sessionMaxSeconds, sessionGraceSeconds, easyAuthOrigin: origin } = config;
  const rules = openIdRules({ name, rotation, sessionSeconds: sessionMaxSeconds + sessionGraceSeconds });
  const documents = createProviderDocuments(settings, means);
  if (rotation !== 'single-use') return { settings, rules, documents };
  const lives = { sessionMaxSeconds, sessionGraceSeconds };
  return {
    settings,
    rules,
    documents,
    client: createSessionClient({ provider: settings, origin, ...lives, ...means }),
  };
}

/** @throws Error for a provider that is not on: what is stored for it waits until it is */
export function rulesByName(
  providers: ReadonlyMap<string, ConfiguredProvider>,
): (name: string) => ProviderRules {
  return (name) => {
    const provider = providers.get(name);
    if (!provider) throw new Error('a connection names a provider that is not configured');
    return provider.rules;
  };
}

/** The providers without ID tokens, and whether policy admits their users all the same. */
export function onHeaders(
  providers: ReadonlyMap<string, ConfiguredProvider>,
  { admitOnHeaders }: Policy,
): ReadonlyMap<string, { readonly tenant: string; readonly admitted: boolean }> {
  const without = [...providers].filter(([, { rules }]) => rules.signIn === 'headers');
  return new Map(
    without.map(([name, { settings }]) => [
      name,
      { tenant: settings.tenant, admitted: admitOnHeaders.has(name) },
    ]),
  );
}
