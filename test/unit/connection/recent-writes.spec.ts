import { RecentWrites } from '../../../src/database/connection/replica/recent-writes';

const WINDOW = 1_000;

describe('the writes of late', () => {
  let now = 0;
  const settled = { settled: true };
  const memory = (limit?: number) => new RecentWrites(WINDOW, limit, () => now);
  beforeEach(() => {
    now = 0;
  });

  it('keep a clinic on the primary while its writer is open, however long, and for the window after that', () => {
    const [writes, writer] = [memory(), { settled: false }];
    writes.begin('a', writer);
    now = 1_000_000;
    expect(writes.isRecent('a')).toBe(true);
    writer.settled = true;
    expect(writes.isRecent('a')).toBe(true);
    now += WINDOW - 1;
    expect(writes.isRecent('a')).toBe(true);
    now += 1;
    expect(writes.isRecent('a')).toBe(false);
  });

  it('do not concern another clinic, unless they were made without one', () => {
    const writes = memory();
    writes.begin('a', settled);
    expect([writes.isRecent('a'), writes.isRecent('b')]).toEqual([true, false]);
    writes.begin(undefined, settled);
    expect(writes.isRecent('b')).toBe(true);
    now += WINDOW;
    expect(['a', 'b', undefined].map((clinic) => writes.isRecent(clinic))).toEqual([false, false, false]);
  });

  it('of any clinic keep a read without a clinic on the primary', () => {
    const writes = memory();
    expect(writes.isRecent(undefined)).toBe(false);
    writes.begin('a', settled);
    expect(writes.isRecent(undefined)).toBe(true);
  });

  it('begin the window at the last of several writers', () => {
    const [writes, late] = [memory(), { settled: false }];
    writes.begin('a', late);
    writes.begin('a', settled);
    now = WINDOW * 2;
    late.settled = true;
    expect(writes.isRecent('a')).toBe(true);
    now += WINDOW;
    expect(writes.isRecent('a')).toBe(false);
  });

  it('of more clinics than are remembered count for everybody: too careful rather than forgetful', () => {
    const [writes, open] = [memory(2), { settled: false }];
    writes.begin('a', open);
    for (const clinic of ['b', 'c', 'd']) writes.begin(clinic, settled);
    expect(['a', 'b', 'c', 'd', 'e'].map((clinic) => writes.isRecent(clinic))).toEqual(Array(5).fill(true));
    now = WINDOW * 2;
    expect(writes.isRecent('e')).toBe(true);
    open.settled = true;
    writes.sweep();
    now += WINDOW;
    expect(writes.isRecent('e')).toBe(false);
  });
});
