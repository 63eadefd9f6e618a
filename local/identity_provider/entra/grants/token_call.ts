import type { App } from '../../directory/types.js';
import type { ClientProof } from '../claims.js';
import type { Params } from '../form.js';
import type { TenantPath } from '../tenants.js';

/** A token request whose client is proven. A grant sets `heard.user` as soon as it knows whom it is about. */
export type TokenCall = Readonly<{
  path: TenantPath;
  params: Params;
  client: App;
  proof: ClientProof;
  heard: { user?: string };
}>;

export type TokenBody = Readonly<Record<string, unknown>>;
