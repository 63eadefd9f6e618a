import type { IdentityContainer, Secret } from '../../config/settings.js';
import { ProviderError } from '../../errors.js';
import { type IdentityToken, identityToken } from '../../providers/identity_token.js';
import type { ProviderHttp } from '../../providers/openid/provider_http.js';
import { StoreUnavailableError } from '../store_errors.js';

/** How a blob container is reached: its address, and what proves that we may. */
export interface ContainerAccess {
  /** With the signature, where there is one: never to be told. */
  readonly url: string;
  /** What the container is called in the log. */
  readonly name: string;
  /** What to look at when the service refuses. */
  readonly hint: string;
  /** Headers of each call. @throws StoreUnavailableError */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Told that the service does not know the proof any more. */
  refused(): void;
}

/** A container by its SAS URL. */
export function sasAccess(container: Secret): ContainerAccess {
  return {
    url: container.reveal(),
    name: container.setting,
    hint: 'the SAS has ended, is wrong or lacks a permission (it needs read, write, delete and list)',
    headers: async () => ({}),
    refused: () => {},
  };
}

/** A token is asked for again this long before its end, and the old one is used should that fail. */
const marginMs = 300_000;
/** How long a token counts whose end the endpoint does not say. */
const assumedMs = 600_000;

interface IdentityMeans {
  readonly http: ProviderHttp;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

function unavailable(error: unknown): StoreUnavailableError {
  const failure =
    error instanceof ProviderError && error.failure !== 'unreachable' ? 'refused' : 'unreachable';
  const reason = error instanceof Error ? error.message : 'no token';
  return new StoreUnavailableError(failure, `the token store has no token: ${reason}`);
}

/** A container by the app's managed identity, which needs the role Storage Blob Data Contributor on it. */
export function identityAccess(container: IdentityContainer, { http, now }: IdentityMeans): ContainerAccess {
  const { uri, identity, resourceId } = container;
  let held: { readonly token: string; readonly expiresAt: number } | undefined;
  let asking: Promise<IdentityToken> | undefined;
  const ask = async (): Promise<string> => {
    const whose = resourceId === undefined ? {} : { mi_res_id: resourceId };
    const resource = 'https://storage.azure.com/';
    asking ??= identityToken(http, identity, { resource, ...whose }).finally(() => {
      asking = undefined;
    });
    const { token, expiresAt = now() + assumedMs } = await asking;
    held = { token, expiresAt };
    return token;
  };
  const token = async (): Promise<string> => {
    if (held !== undefined && now() < held.expiresAt - marginMs) return held.token;
    try {
      return await ask();
    } catch (error) {
      if (held !== undefined && now() < held.expiresAt) return held.token;
      throw unavailable(error);
    }
  };
  return {
    url: uri,
    name: 'blobContainerUri',
    hint: 'the managed identity needs the role Storage Blob Data Contributor on the container',
    headers: async () => ({ authorization: `Bearer ${await token()}` }),
    refused: () => {
      held = undefined;
    },
  };
}
