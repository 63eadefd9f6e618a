import { benchGateway } from './gateway/bench.js';
import { benchMemory } from './gateway/memory.js';
import { benchRefresh } from './refresh/bench.js';
import { benchScale } from './scale/bench.js';
import { benchToken } from './token/bench.js';

const options = {
  rounds: Number(process.env.BENCH_ROUNDS ?? '5'),
  seconds: Math.min(Number(process.env.BENCH_SECONDS ?? '4'), 8),
  say: (text: string) => void process.stdout.write(`${text}\n`),
};

const benches = {
  gateway: benchGateway,
  memory: benchMemory,
  token: benchToken,
  refresh: benchRefresh,
  scale: benchScale,
};
const asked = process.argv.slice(2);
const known = Object.entries(benches);

if (asked.some((name) => !Object.hasOwn(benches, name))) {
  process.stderr.write(`npm run bench -- [${Object.keys(benches).join('|')}]: all of them unless named\n`);
  process.exit(1);
}
for (const [name, run] of known) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  await run(options);
  options.say('');
}
