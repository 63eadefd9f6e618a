import { readArguments } from '../arguments.js';
import { type Command, UsageFault } from '../command.js';
import { recordedRequests } from './recorded.js';
import { type Change, type Replayed, replay } from './replay.js';
import { type PolicyTools, policyFacts, policyText, readInstant, readRulesFrom } from './tools.js';

const OPTIONS = {
  'from-audit': { type: 'boolean' },
  from: { type: 'string' },
  to: { type: 'string' },
  limit: { type: 'string' },
  'fail-on-change': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const WEEK_MS = 7 * 86_400_000;
const PRESET_ROWS = 100_000;

/** `compare OLD NEW --from-audit`. Exit code 1 with `--fail-on-change` when something would change. */
export function comparePolicies(tools: PolicyTools): Command {
  return async ({ args, print }) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    if (!values['from-audit'])
      throw new UsageFault('--from-audit is missing: recorded requests are what is compared with');
    const old = readRulesFrom('OLD', positionals[0]);
    const candidate = readRulesFrom('NEW', positionals[1]);
    const to = readInstant('--to', values.to) ?? tools.clock();
    const from = readInstant('--from', values.from) ?? to - WEEK_MS;
    if (from >= to) throw new UsageFault('--from must be before --to');
    const stores = tools.stores(tools.settings());
    const recorded = recordedRequests(stores, { from, to, most: readRows(values.limit) });
    const replayed = await replay(stores, recorded, { old, candidate });
    const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    if (values.json) {
      print(JSON.stringify({ ...span, old: policyFacts(old), new: policyFacts(candidate), ...replayed }));
    } else {
      print(`old ${policyText(old)}`);
      print(`new ${policyText(candidate)}`);
      for (const line of lines(replayed, span)) print(line);
    }
    return values['fail-on-change'] && replayed.changes.length > 0 ? 1 : 0;
  };
}

function readRows(text: string | undefined): number {
  if (text === undefined) return PRESET_ROWS;
  if (!/^[1-9]\d{0,7}$/.test(text))
    throw new UsageFault('--limit must be a number of rows from 1 to 99999999');
  return Number(text);
}

function lines(replayed: Replayed, { from, to }: { from: string; to: string }): readonly string[] {
  const { rows, requests, changes, cut } = replayed;
  const changed = changes.reduce((sum, { count }) => sum + count, 0);
  return [
    `${rows} rows from ${from} to ${to}: ${requests} requests replayed, ${rows - requests} refused before policy was asked`,
    ...(cut ? ['  older rows were left out: raise --limit or narrow the span'] : []),
    changed === 0 ? 'nothing would change' : `${changed} requests would change:`,
    ...changes.flatMap(changeLines),
  ];
}

function changeLines({
  client,
  resource,
  scope,
  grantType,
  count,
  before,
  after,
}: Change): readonly string[] {
  return [
    `  ${count} x ${client} ${resource} ${scope ?? '(no scope named)'} ${grantType}`,
    `      before: ${before}`,
    `      after:  ${after}`,
  ];
}
