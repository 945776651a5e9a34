import { randomBytes } from 'node:crypto';
import { ConfigurationError, InvalidInputError } from '../../../src';
import { cursorKey, openCursor, sealCursor } from '../../../src/database/repository/read/cursor';

const key = randomBytes(32);
const BINDING = 'Student, clinic A, by name';
const place = { values: ['Canary-7301', null, '2026-11-21 10:22:58.123+00'], inclusive: false };
const seal = (boundary = place, binding = BINDING): string => sealCursor(key, 'Student', binding, boundary);
const open = (cursor: unknown, binding = BINDING, by = key) => openCursor(by, binding, cursor);

describe('A cursor', () => {
  it('gives back the place that was sealed, nulls and all', () => {
    for (const boundary of [
      place,
      { values: ['ä€😀"\\\n', ''], inclusive: true },
      { values: [null], inclusive: false },
      { values: ['x'.repeat(2_000)], inclusive: true },
    ])
      expect(open(seal(boundary))).toEqual(boundary);
  });

  it('shows nothing of the values, and never looks the same twice [U67]', () => {
    const cursors = Array.from({ length: 20 }, () => seal());
    expect(new Set(cursors.map((cursor) => cursor.slice(2))).size).toBe(20);
    for (const cursor of cursors) {
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('Canary');
    }
  });

  it('is as long for a short name as for a longer one', () => {
    const lengths = ['A', 'Canary', 'Wolfeschlegelsteinhausen'].map(
      (name) => seal({ ...place, values: [name] }).length,
    );
    expect(new Set(lengths).size).toBe(1);
  });

  it('is refused with any one of its characters altered [U67]', () => {
    const cursor = seal();
    const altered = [...cursor].flatMap((character, at) =>
      ['A', 'b', '-', '!']
        .filter((other) => other !== character)
        .map((other) => cursor.slice(0, at) + other + cursor.slice(at + 1)),
    );
    expect(altered.filter((text) => open(text) !== undefined)).toEqual([]);
  });

  it('is refused truncated or extended, by one character or by all', () => {
    const cursor = seal();
    for (let length = 0; length < cursor.length; length += 1) expect(open(cursor.slice(0, length))).toBeUndefined();
    for (const more of ['A', '=', ' ', '\n', '.', cursor]) {
      expect(open(cursor + more)).toBeUndefined();
      expect(open(more + cursor)).toBeUndefined();
    }
  });

  it('is refused for another query, by another key, and by another version', () => {
    expect(open(seal(), 'Student, clinic B, by name')).toBeUndefined();
    expect(open(seal(), '')).toBeUndefined();
    expect(open(seal(), BINDING, randomBytes(32))).toBeUndefined();
    const bytes = Buffer.from(seal(), 'base64url');
    bytes[0] = 2;
    expect(open(bytes.toString('base64url'))).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 7301],
    ['an object', { values: ['x'], inclusive: true }],
    ['an empty text', ''],
    ['a plain place', Buffer.from(JSON.stringify([true, 'x'])).toString('base64url')],
    ['a text of many megabytes', 'A'.repeat(5_000_000)],
    ['a text just too long', 'A'.repeat(4_097)],
  ])('is never %s', (_name, cursor) => {
    expect(open(cursor)).toBeUndefined();
  });

  it('is not made of sort values that are too long to travel in a URL', () => {
    const long = () => seal({ ...place, values: ['Canary-7301'.repeat(1_000)] });
    expect(long).toThrow(InvalidInputError);
    expect(long).not.toThrow('Canary');
    expect(seal({ ...place, values: ['x'.repeat(2_900)] }).length).toBeLessThanOrEqual(4_096);
  });
});

describe('The key of cursors', () => {
  const encoded = key.toString('base64');

  it('is what DB_CURSOR_KEY says', () => {
    expect(cursorKey({ cursorKey: encoded, production: true })).toEqual(key);
  });

  it('is one of the process without it, but not in production', () => {
    const own = cursorKey({ production: false });
    expect(own).toHaveLength(32);
    expect(cursorKey({})).toEqual(own);
    expect(() => cursorKey({ production: true })).toThrow(ConfigurationError);
    expect(() => cursorKey({ production: true })).toThrow('DB_CURSOR_KEY');
  });

  it.each([
    ['too short', randomBytes(16).toString('base64')],
    ['too long', randomBytes(33).toString('base64')],
    ['in another alphabet', `${encoded.slice(0, 20)}.....`],
  ])('is refused %s, and not shown', (_name, text) => {
    expect(() => cursorKey({ cursorKey: text })).toThrow(ConfigurationError);
    expect(() => cursorKey({ cursorKey: text })).not.toThrow(text);
  });
});
