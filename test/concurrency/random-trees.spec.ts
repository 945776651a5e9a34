import { expectWholePool, type StudentApp } from '../support/student-app';
import { shrink } from './compare-tree';
import { print } from './tree';
import { firstDifference, playerOn, POOL, startTreeApp, TREES } from './tree-runs';

let app: StudentApp;

beforeAll(async () => {
  app = await startTreeApp();
});
afterAll(() => app?.close());

describe('a thousand random trees of units of work', () => {
  it('do what the model says: rows, rejections, hooks, audit trail [U03] [U06] [U20] [U21] [U22] [U25] [U51]', async () => {
    const seed = jest.getSeed();
    const { agreed, wrong } = await firstDifference(app, seed);
    if (wrong) {
      const small = await shrink(wrong.tree, playerOn(app, app.truth), 60_000);
      throw new Error(`A tree of units differs from the model.
Replay with: npx jest test/concurrency/random-trees --seed ${seed} -t 'do what the model says'
${print(small.tree)}

${small.differences.join('\n')}

The tree it was shrunk from:
${print(wrong.tree)}

${wrong.differences.join('\n')}`);
    }
    expect(agreed).toBe(TREES);
    await expectWholePool(app, POOL);
  }, 240_000);
});
