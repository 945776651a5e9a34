import { Logger } from '@nestjs/common';
import type { Client } from 'pg';
import { startStudentApp, type StudentApp } from '../support/student-app';
import { differences } from './compare-tree';
import { generateTree } from './generate-tree';
import { predict } from './model';
import { plantTraps, play } from './play-tree';
import type { Observed, Tree } from './tree';

export const TREES = 1_000;
export const POOL = 24;
/** Trees that are under way at once; each holds at most 6 connections at a time. */
const AT_ONCE = 4;

/** An application for trees to be played on. */
export async function startTreeApp(): Promise<StudentApp> {
  const app = await startStudentApp({ pool: { min: 0, max: POOL, acquireTimeoutMs: 20_000 } });
  await plantTraps(app);
  // Hooks fail by the hundred, and each failure is reported.
  Logger.overrideLogger(false);
  return app;
}

let runs = 0;

/** Plays trees one after the other. @param truth A superuser's connection of its own. */
export const playerOn =
  (app: StudentApp, truth: Client) =>
  (tree: Tree): Promise<Observed> =>
    play(app, truth, tree, `t${(runs += 1)}:`);

/** What became of the trees of a seed. */
export interface Verdict {
  /** How many did what the model says. */
  readonly agreed: number;
  /** The one that did not. */
  readonly wrong?: { readonly tree: Tree; readonly differences: readonly string[] };
}

/** Plays the trees of a seed until one differs from the model. */
export async function firstDifference(app: StudentApp, seed: number): Promise<Verdict> {
  let next = 0;
  let agreed = 0;
  let wrong: Verdict['wrong'];
  const worker = async (): Promise<void> => {
    const truth = await app.db.superClient();
    const run = playerOn(app, truth);
    while (next < TREES && !wrong) {
      const tree = generateTree(seed, next++);
      const lines = differences(predict(tree), await run(tree));
      if (lines.length === 0) agreed += 1;
      else wrong ??= { tree, differences: lines };
    }
    await truth.end();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { agreed, wrong };
}
