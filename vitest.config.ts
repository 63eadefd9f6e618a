import { defineConfig } from 'vitest/config';

const limits = { testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the two cores: the tests of whole stacks mostly wait.
    maxWorkers: 3,
    reporters: ['default', './test/support/summary_reporter.ts'],
    projects: [
      {
        test: {
          ...limits,
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/conformance/**'],
        },
      },
      {
        test: {
          ...limits,
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          // One running stack for all of them: they only ask, each with users and grants of its own.
          globalSetup: ['./test/conformance/stack.ts'],
        },
      },
    ],
  },
});
