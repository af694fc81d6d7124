import { setTimeout as pause } from 'node:timers/promises';

const LIMIT = 10_000;
const STEP = 20;

/** Repeats `claim` until it no longer throws, for at most 10 seconds, and returns its result. */
export async function eventually(claim) {
  const deadline = Date.now() + LIMIT;
  for (;;) {
    try {
      return await claim();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(STEP);
    }
  }
}
