import { variants } from './broken-variants';
import { firstDifference, startTreeApp } from './tree-runs';

describe('the model of units of work, were the library broken,', () => {
  it.each(variants)('catches the variant: $name', async ({ breakIt }) => {
    // A database of its own: nobody knows what a broken library leaves behind in the pool.
    const app = await startTreeApp();
    const mend = breakIt();
    try {
      const { wrong } = await firstDifference(app, jest.getSeed());
      expect(wrong).toBeDefined();
    } finally {
      mend();
      await app.close();
    }
  });
});
