import { WalHistory, walPosition } from '../../../src/database/connection/replica/wal-position';

describe('a position in the log', () => {
  it('is read as PostgreSQL writes it, and ordered across segments', () => {
    expect(walPosition('0/16B3748')).toBe(0x16b3748n);
    expect(walPosition('A/FFFFFFF0')).toBe((0xan << 32n) + 0xfffffff0n);
    expect(walPosition('2/100') > walPosition('1/FFFFFF00')).toBe(true);
  });

  it('right behind the header of a page is that before it: a standby does not count the header yet', () => {
    const page = '0/3002000';
    expect(walPosition('0/3002018')).toBe(walPosition(page));
    expect(walPosition('0/3002028')).toBe(walPosition(page));
    expect(walPosition('0/3002030')).toBeGreaterThan(walPosition(page));
  });
});

describe('what is known of the primary', () => {
  it('tells up to when a standby holds every commit', () => {
    const history = new WalHistory(1_000);
    expect(history.coveredUntil(100n)).toBe(-Infinity);
    history.add(100n, 10);
    history.add(200n, 20);
    history.add(200n, 30);
    expect(history.coveredUntil(99n)).toBe(-Infinity);
    expect(history.coveredUntil(150n)).toBe(10);
    // At rest the log does not move, and a standby that has it all is up to date.
    expect(history.coveredUntil(200n)).toBe(30);
    expect(history.coveredUntil(999n)).toBe(30);
  });

  it('is forgotten after a while: who is that far behind is not read from anyway', () => {
    const history = new WalHistory(1_000);
    history.add(100n, 0);
    history.add(200n, 1_001);
    expect(history.coveredUntil(150n)).toBe(-Infinity);
  });
});
