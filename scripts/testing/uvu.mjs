// uvu, watched: what test files get when they import "uvu", so that a suite that was never run is noticed.
import * as uvu from "uvu";

/** Suites of this file. A suite whose `pending` is not 0 at the end was filled and never run. */
globalThis.belljarSuites ??= [];

function watch(suite, name) {
  const record = { name, pending: 0, only: false, broken: null };
  globalThis.belljarSuites.push(record);
  const add = (method) => (title, handler) => {
    record.pending++;
    method(title, handler);
  };
  // Where a hook before all tests throws, uvu leaves the tests out and says nothing.
  const before = (hook) =>
    suite.before(async (state) => {
      try {
        await hook(state);
      } catch (error) {
        record.broken = error;
        throw error;
      }
    });
  return Object.assign(add(suite), {
    before: Object.assign(before, { each: suite.before.each }),
    after: suite.after,
    skip: add(suite.skip),
    only: (title, handler) => {
      record.only = true;
      add(suite.only)(title, handler);
    },
    run: () => {
      record.pending = 0;
      suite.run();
    },
  });
}

export const suite = (name = "", context = {}) => watch(uvu.suite(name, context), name);
export const test = watch(uvu.test, "");
