import type { Candidate } from './candidate.js';
import type { Figures } from './load.js';

export interface Run extends Figures {
  readonly cpuMicros: number;
}

export interface Row {
  readonly candidate: Candidate;
  readonly runs: readonly Run[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export const rate = (row: Row | undefined): number => median(row?.runs.map((run) => run.perSecond) ?? []);

/** Processor time a request, in microseconds. */
export const cpu = (row: Row | undefined): number => median(row?.runs.map((run) => run.cpuMicros) ?? []);

function cells(row: Row, base: number): string[] {
  const { candidate, runs } = row;
  if (candidate.target === undefined) return [candidate.name, '–', '–', '–', '–', candidate.note];
  const perSecond = rate(row);
  const p99 = median(runs.map((run) => run.p99Ms));
  return [
    candidate.name,
    Math.round(perSecond).toLocaleString('en'),
    (perSecond / base).toFixed(2),
    p99.toFixed(1),
    cpu(row).toFixed(0),
    candidate.note,
  ];
}

/** The figures as a table: medians, and ratios to the row named `base`. */
export function table(rows: readonly Row[], base: Row | undefined): string {
  const head = ['candidate', 'requests/s', 'of nginx', 'p99 ms', 'CPU µs', 'remarks'];
  const lines = [head, ...rows.map((row) => cells(row, rate(base)))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = (line: readonly string[]) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [first = head, ...rest] = lines;
  return [text(first), rule, ...rest.map(text)].join('\n');
}
