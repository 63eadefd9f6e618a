import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compatOptions } from '../../easyauth/config/compat.js';
import { type HeldClause, heldClauses } from './support/clauses.js';
import { emulatorTable } from './support/emulators.js';

const folder = fileURLToPath(new URL('.', import.meta.url));
const document = fileURLToPath(new URL('../../docs/easyauth-compatibility.md', import.meta.url));

/** The clauses of the contract. */
const sections: readonly (readonly [string, string])[] = [
  ['1', 'What the gateway is: routes and transport'],
  ['2.1', 'Identity headers'],
  ['2.2', 'The principal'],
  ['2.3', 'Claim types'],
  ['2.4', 'Provider token headers'],
  ['2.5', 'Headers from outside'],
  ['3.1', '`/.auth/me`: shape'],
  ['3.2', '`/.auth/me`: statuses'],
  ['4.1', 'Lifetimes of session and tokens'],
  ['4.2', '`/.auth/refresh`: request'],
  ['4.3', '`/.auth/refresh`: what happens'],
  ['4.4', '`/.auth/refresh`: statuses'],
  ['4.5', 'Refresh per provider'],
  ['5.1', 'Server-directed sign-in'],
  ['5.2', 'Redirect targets'],
  ['5.3', 'Token mode, popups, native PKCE'],
  ['5.4', 'Client-directed sign-in'],
  ['5.5', 'Session token'],
  ['5.6', 'Sign-out'],
  ['6', 'Session cookie'],
  ['7.1', 'Cross-site requests'],
  ['7.2', 'Bearer tokens'],
  ['7.3', 'Authorization policy'],
  ['7.4', 'Unauthenticated requests and excluded paths'],
  ['7.5', 'The 401 and its challenge'],
  ['7.6', 'Substatus codes'],
  ['7.7', 'Protected resource metadata'],
  ['8', 'Configuration'],
  ['8.1', 'Where the configuration comes from'],
  ['8.2', 'Settings in the environment'],
  ['8.3', 'Command line'],
  ['9', 'Token store'],
  ['10', 'Azure Functions'],
  ['11', 'Pitfalls people hit'],
  ['13', 'Container Apps'],
  ['14', 'Choices where nothing is documented'],
];

const introduction = `# What the gateway holds of the Easy Auth contract

Generated from the tests by \`npm run docs:easyauth\`; a test fails when it is stale, so a line stands here only while a test of that
name is there. The grade says how good the evidence is that Azure itself behaves so: **D** Microsoft's documentation or schemas,
**M** code, tests or blogs of Microsoft's own, **O** observed on the service by others, **I** inferred from these, **U** unknown: our
choice. No run of this gateway beside the real service stands behind any line.`;

const cell = (text: string) => text.replaceAll('|', '\\|');

function rowsOf(held: readonly HeldClause[], clause: string): string[] {
  const mine = held.filter(({ clauses }) => clauses.includes(clause));
  const groups = grouped(mine);
  return [...groups.values()].map((tests) => {
    const [{ about, grade } = { about: '', grade: '' }] = tests;
    const names = tests.map(({ title, file }) => `${cell(title)} (\`${file.replace('.test.ts', '')}\`)`);
    return `| ${cell(about)} | ${grade} | ${names.join('<br>')} |`;
  });
}

const keyOf = ({ about, grade }: HeldClause) => `${about} ${grade}`;

function grouped(held: readonly HeldClause[]): Map<string, HeldClause[]> {
  const groups = new Map<string, HeldClause[]>();
  for (const test of held) groups.set(keyOf(test), [...(groups.get(keyOf(test)) ?? []), test]);
  return groups;
}

function sectionText(held: readonly HeldClause[], [clause, name]: readonly [string, string]): string {
  const rows = rowsOf(held, clause);
  const head = `### §${clause} ${name}`;
  if (rows.length === 0) return `${head}\n\nNo test names this clause.`;
  return [head, '', '| clause | grade | held by |', '|---|---|---|', ...rows].join('\n');
}

function optionsTable(): string {
  const rows = Object.entries(compatOptions).map(
    ([name, option]) =>
      `| \`${name}\` | \`${option.default}\` | ${option.values.join(', ')} | ${cell(option.says)} |`,
  );
  return ['| option | default | values | decides |', '|---|---|---|---|', ...rows].join('\n');
}

function compatibilityText(): string {
  const held = heldClauses(folder);
  return [
    introduction,
    '## Clause by clause',
    ...sections.map((section) => sectionText(held, section)),
    '## Options where the real service is undocumented\n\n`--compat NAME=VALUE` or `EASYAUTH_COMPAT`.',
    optionsTable(),
    '## Beside the five emulators',
    'As far as their sources could be read in 2026: pnopjp/easyauth-emulator c1232d1, Azure/static-web-apps-cli 61bfdc5, 07JP27/EasyAuthLocalEmulator, alanta/EasyAuthDevProxy 8be85ba, mfcollins3/easyauthsimulator.',
    emulatorTable(),
    '',
  ].join('\n\n');
}

describe('docs/easyauth-compatibility.md', () => {
  it('is what the tests say (npm run docs:easyauth writes it anew)', async () => {
    await expect(compatibilityText()).toMatchFileSnapshot(document);
  });

  it('every test title names a clause that exists, and every clause a grade', () => {
    const known = new Set(sections.map(([clause]) => clause));
    const held = heldClauses(folder);
    expect(held.length).toBeGreaterThan(200);
    const strays = held.filter(
      ({ clauses }) => clauses.length === 0 || !clauses.every((each) => known.has(each)),
    );
    expect(strays.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
    expect(held.filter(({ grade }) => grade === '').map(({ file, title }) => `${file}: ${title}`)).toEqual(
      [],
    );
  });

  it('docs/gateway.md sends its readers there', () => {
    const guide = readFileSync(fileURLToPath(new URL('../../docs/gateway.md', import.meta.url)), 'utf8');
    expect(guide).toContain('(easyauth-compatibility.md)');
  });
});
