import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../shared/domain/errors.js';
import { type Authorization, narrow } from '../../../shared/domain/narrowing.js';
import { intersect, isSubset, type Scope, scopeOf } from '../../../shared/domain/scope.js';
import { scopeToken } from '../support/arbitraries.js';
import { refusalOf } from '../support/refusals.js';

const subject = { provider: 'aad', tenant: 't', id: 'alice' };
const RESOURCE = 'api://orders';

interface Case {
  readonly held: Scope;
  readonly client: Scope | undefined;
  readonly resource: Scope;
  readonly asked: Scope | undefined;
}

function narrowed({ held, client, resource, asked }: Case): Authorization {
  return narrow(
    {
      held: { subject, resource: RESOURCE, scope: held, expiresAt: 1000, grantId: 'g' },
      clientId: 'nightly-report',
      resource: RESOURCE,
      scope: asked,
    },
    { clientScope: client, resourceScope: resource },
  );
}

function attempt(what: Case): Authorization | Refusal {
  try {
    return narrowed(what);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

const scope = fc.array(scopeToken, { maxLength: 8 }).map(scopeOf);
const anyCase: fc.Arbitrary<Case> = fc.record({
  held: scope,
  client: scope,
  resource: scope,
  asked: fc.option(scope, { nil: undefined }),
});
/** Cases in which something is left, so that the rules below are not true of refusals only. */
const grantedCase: fc.Arbitrary<Case> = fc
  .tuple(fc.array(scopeToken, { minLength: 1, maxLength: 4 }).map(scopeOf), scope, scope, scope)
  .map(([core, held, client, resource]) => ({
    held: scopeOf([...core, ...held]),
    client: scopeOf([...core, ...client]),
    resource: scopeOf([...core, ...resource]),
    asked: core,
  }));

describe('narrowing', () => {
  it('never issues beyond any of: requested, held, client policy, resource policy', () => {
    fc.assert(
      fc.property(fc.oneof(anyCase, grantedCase), (what) => {
        const result = attempt(what);
        if (result instanceof Refusal) return;
        for (const bound of [what.held, what.client, what.resource, what.asked ?? what.held]) {
          expect(isSubset(result.scope, bound ?? [])).toBe(true);
        }
        expect(result.scope.length).toBeGreaterThan(0);
      }),
    );
  });

  it('issues exactly what was asked, or refuses: it never trims', () => {
    fc.assert(
      fc.property(grantedCase, (what) => {
        expect(narrowed(what).scope).toEqual(what.asked);
      }),
    );
  });

  it('gives all that is left when no scope is asked', () => {
    fc.assert(
      fc.property(grantedCase, ({ held, client, resource }) => {
        const most = intersect(intersect(held, client ?? []), resource);
        expect(narrowed({ held, client, resource, asked: undefined }).scope).toEqual(most);
      }),
    );
  });

  it('is idempotent: narrowing what was narrowed changes nothing', () => {
    fc.assert(
      fc.property(grantedCase, (what) => {
        const first = narrowed(what).scope;
        expect(narrowed({ ...what, held: first, asked: undefined }).scope).toEqual(first);
      }),
    );
  });

  it('does not depend on which bound is which', () => {
    fc.assert(
      fc.property(grantedCase, ({ held, client = [], resource, asked }) => {
        const one = attempt({ held, client, resource, asked });
        const other = attempt({ held: resource, client: held, resource: client, asked });
        expect(one instanceof Refusal).toBe(other instanceof Refusal);
        if (!(one instanceof Refusal) && !(other instanceof Refusal)) expect(one.scope).toEqual(other.scope);
      }),
    );
  });

  it('a scope beyond what is held is invalid_scope', async () => {
    const what = { held: ['a'], client: ['a', 'b'], resource: ['a', 'b'], asked: ['a', 'b'] };
    expect((await refusalOf(() => narrowed(what))).code).toBe('invalid_scope');
  });

  it('a scope that policy has taken back since the grant is invalid_scope', async () => {
    const what = { held: ['a', 'b'], client: ['a'], resource: ['a', 'b'], asked: ['b'] };
    expect((await refusalOf(() => narrowed(what))).code).toBe('invalid_scope');
  });

  it('nothing left of a grant is invalid_scope, not a token without scopes', async () => {
    const what = { held: ['a'], client: ['b'], resource: ['a', 'b'], asked: undefined };
    expect((await refusalOf(() => narrowed(what))).code).toBe('invalid_scope');
  });

  it('a resource policy does not name for this client is invalid_target', async () => {
    const what = { held: ['a'], client: undefined, resource: ['a'], asked: undefined };
    expect((await refusalOf(() => narrowed(what))).code).toBe('invalid_target');
  });

  it('a resource other than the one that is held is invalid_target', async () => {
    const refusal = await refusalOf(() =>
      narrow(
        {
          held: { subject, resource: RESOURCE, scope: ['a'], expiresAt: 1000, grantId: 'g' },
          clientId: 'c',
          resource: 'api://other',
          scope: undefined,
        },
        { clientScope: ['a'], resourceScope: ['a'] },
      ),
    );
    expect(refusal.code).toBe('invalid_target');
  });

  it('never outlives what is held, and keeps subject and grant', () => {
    const what = { held: ['a'], client: ['a'], resource: ['a'], asked: undefined };
    expect(narrowed(what)).toMatchObject({ expiresAt: 1000, subject, grantId: 'g' });
  });
});
