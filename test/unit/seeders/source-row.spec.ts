import { createHash } from 'node:crypto';
import { hashOfRow, readHeader, SourceRow } from '../../../seeders/synthea/source-row';

describe('A row of a Synthea export', () => {
  it('is known by SHA-256 over its file and all its fields', () => {
    const expected = createHash('sha256').update('["conditions.csv","a","b,c",""]').digest('hex');
    expect(hashOfRow('conditions.csv', ['a', 'b,c', ''])).toBe(expected);
  });

  it('is another one when a border between fields, a field or the file differs', () => {
    const hashes = [
      hashOfRow('conditions.csv', ['a', 'b,c']),
      hashOfRow('conditions.csv', ['a,b', 'c']),
      hashOfRow('conditions.csv', ['a', 'b', 'c']),
      hashOfRow('conditions.csv', ['a', 'b,c', '']),
      hashOfRow('procedures.csv', ['a', 'b,c']),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('gives text exactly as it stands, and null for nothing', () => {
    const row = new SourceRow(
      'conditions.csv',
      2,
      new Map([
        ['A', 0],
        ['B', 1],
      ]),
      [' two  blanks ', ''],
    );
    expect([row.text('A'), row.text('B'), row.text('C')]).toEqual([' two  blanks ', null, null]);
  });

  it('needs the columns that are read, in any order, among any others', () => {
    const columns = ['CODE', 'EXTRA', 'DESCRIPTION', 'PATIENT', 'ENCOUNTER', 'STOP', 'START'];
    expect(readHeader('conditions.csv', columns).get('START')).toBe(6);
    expect(() => readHeader('conditions.csv', columns.slice(1))).toThrow('conditions.csv lacks the column CODE');
    expect(() => readHeader('conditions.csv', [...columns, 'CODE'])).toThrow('twice');
  });
});
