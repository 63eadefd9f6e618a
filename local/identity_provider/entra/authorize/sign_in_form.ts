import { Ajv } from 'ajv';
import type { Core } from '../../core.js';
import type { Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import { isFromOtherSite } from '../../http/same_site.js';
import { contextOf } from '../error_reply.js';
import { EntraError, factsOf } from '../errors.js';
import type { SessionGrant } from '../sealed_grants.js';
import { type Authorization, runAuthorization, withTarget } from './endpoint.js';
import { errorPage } from './pages.js';
import { newSignIn, type Progress } from './sign_in.js';

const TRANSACTION_SECONDS = 900;

type Transaction = Readonly<{
  segment: string;
  query: string;
  issued: number;
  consent: boolean;
  signIn?: SessionGrant;
}>;

const text = { type: 'string' };
const isTransaction = new Ajv().compile<Transaction>({
  type: 'object',
  required: ['segment', 'query', 'issued', 'consent'],
  properties: {
    segment: text,
    query: text,
    issued: { type: 'number' },
    consent: { type: 'boolean' },
    signIn: { type: 'object', required: ['oid', 'tid', 'sid', 'authTime', 'issued', 'mfa'] },
  },
});

function readTransaction(core: Core, incoming: Incoming): Transaction {
  const opened = core.sealer.open('transaction', incoming.form?.get('transaction') ?? '');
  const fresh = isTransaction(opened) && core.now() - opened.issued < TRANSACTION_SECONDS * 1000;
  if (!fresh || isFromOtherSite(incoming)) throw new EntraError('foreignSignIn');
  return opened;
}

/** What the pressed button settles. Each page's button only works on top of what the page before settled. */
function applyButton(core: Core, form: URLSearchParams, { signIn, consent }: Transaction): Progress {
  const chosen = core.directory.userByOid(form.get('user') ?? '');
  if (chosen !== undefined) return { signIn: newSignIn(core, chosen), consent: true };
  if (signIn !== undefined && form.has('approve')) return { signIn: { ...signIn, mfa: true }, consent };
  if (signIn !== undefined && form.has('accept')) return { signIn, consent: true };
  throw new EntraError('foreignSignIn');
}

async function decline(): Promise<Reply> {
  throw new EntraError('declined');
}

/** The button pressed on a sign-in page. Takes only forms of its own pages, at most 15 minutes old, from this site. */
export async function signInForm(core: Core, incoming: Incoming): Promise<Reply> {
  try {
    const transaction = readTransaction(core, incoming);
    const form = incoming.form ?? new URLSearchParams();
    const values = new URLSearchParams(transaction.query);
    const at: Authorization = {
      segment: transaction.segment,
      values,
      progress: { consent: transaction.consent },
    };
    if (form.has('cancel')) return await withTarget(core, incoming, at, decline);
    return await runAuthorization(core, incoming, { ...at, progress: applyButton(core, form, transaction) });
  } catch (error) {
    if (!(error instanceof EntraError)) throw error;
    return errorPage({ ...factsOf(error), status: 400 }, contextOf(core, incoming));
  }
}
