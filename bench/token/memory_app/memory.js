// Where the benchmarks are compiled to.
await import('../../../.local/bench/bench/token/memory_app.js');
