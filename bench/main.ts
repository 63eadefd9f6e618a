import { benchGateway } from './gateway/bench.js';

const rounds = Number(process.env.BENCH_ROUNDS ?? '5');
const seconds = Number(process.env.BENCH_SECONDS ?? '4');

await benchGateway({
  rounds,
  seconds: Math.min(seconds, 8),
  say: (text) => process.stdout.write(`${text}\n`),
});
