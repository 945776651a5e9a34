import { InvalidInputError } from '../../../src';
import { encodeValue } from '../../../src/database/model/column-value';
import type { ColumnDescription, ColumnKind } from '../../../src/database/model/entity-description';
import { everythingOf, refusalOf } from '../../support/refusal';

const column = (kind: ColumnKind, rest: Partial<ColumnDescription> = {}): ColumnDescription => ({
  attribute: 'attribute',
  field: 'attribute',
  kind,
  sqlType: 'TEXT',
  nullable: true,
  managed: false,
  filledByDatabase: false,
  ...rest,
});

const encode = (kind: ColumnKind, value: unknown, rest?: Partial<ColumnDescription>) =>
  encodeValue('Thing', column(kind, rest), value);

const CANARY = 'Canary-7301';
const circular: Record<string, unknown> = {};
circular.self = circular;

describe('A value for a column', () => {
  it.each<[ColumnKind, unknown, unknown]>([
    ['uuid', '0190A000-0000-7000-8000-00000000000A', '0190a000-0000-7000-8000-00000000000a'],
    ['text', '', ''],
    ['text', 'naïve 🩺', 'naïve 🩺'],
    ['enum', 'MILD', 'MILD'],
    ['integer', -2_147_483_647, -2_147_483_647],
    ['decimal', '127.900', '127.900'],
    ['decimal', '-.5', '-.5'],
    ['decimal', 0.1, '0.1'],
    ['decimal', 9_007_199_254_740_993n, '9007199254740993'],
    ['float', 1e300, 1e300],
    ['boolean', false, false],
    ['timestamp', '2024-02-29T23:59:59.123+02:00', '2024-02-29T21:59:59.123Z'],
    ['timestamp', '2024-02-29T10:00Z', '2024-02-29T10:00:00.000Z'],
    ['timestamp', new Date(Date.UTC(12_024, 0)), '12024-01-01T00:00:00.000Z'],
    ['binary', Buffer.from('x'), Buffer.from('x')],
    ['date', '2024-02-29', '2024-02-29'],
    ['json', { a: [1, null] }, '{"a":[1,null]}'],
    ['json', 'text', '"text"'],
    ['json', [], '[]'],
    ['text', null, null],
  ])('of kind %s takes %p', (kind, value, bound) => {
    expect(encode(kind, value, kind === 'enum' ? { values: ['MILD', 'SEVERE'] } : {})).toEqual(bound);
  });

  it.each<[ColumnKind, unknown]>([
    ['timestamp', new Date(-8.64e15)],
    ['timestamp', '0000-01-01T00:00:00Z'],
    ['uuid', `${CANARY}-0000-7000-8000-00000000000a`],
    ['uuid', '0190a000000070008000000000000000'],
    ['uuid', '{0190a000-0000-7000-8000-00000000000a}'],
    ['uuid', "0190a000-0000-7000-8000-00000000000a' OR '1'='1"],
    ['uuid', 7],
    ['text', 7301],
    ['text', `${CANARY}\0`],
    ['text', `${CANARY}\ud800`],
    ['text', `\udc00${CANARY}`],
    ['text', [CANARY]],
    ['text', { toString: () => CANARY }],
    ['enum', CANARY],
    ['enum', 'mild'],
    ['enum', 'constructor'],
    ['enum', ['MILD']],
    ['integer', 1.5],
    ['integer', 2_147_483_648],
    ['integer', Number.NaN],
    ['integer', '7301'],
    ['decimal', CANARY],
    ['decimal', 'NaN'],
    ['decimal', 'Infinity'],
    ['decimal', '1e5'],
    ['decimal', '1,5'],
    ['decimal', '0x1F'],
    ['decimal', ''],
    ['decimal', '.'],
    ['decimal', Number.POSITIVE_INFINITY],
    ['decimal', '1; DROP TABLE students'],
    ['float', Number.NaN],
    ['float', Number.NEGATIVE_INFINITY],
    ['float', '7.301'],
    ['boolean', 'true'],
    ['boolean', 1],
    ['timestamp', CANARY],
    ['timestamp', '1'],
    ['timestamp', 1_700_000_000_000],
    ['timestamp', new Date(Number.NaN)],
    ['timestamp', '2023-02-30T10:00:00Z'],
    ['timestamp', '2023-02-28T25:00:00Z'],
    ['timestamp', '2023-02-28T10:00:00'],
    ['timestamp', '2023-02-28'],
    ['date', '2023-02-30'],
    ['date', '2023-13-01'],
    ['date', '2023-2-1'],
    ['date', '2023-02-01T00:00:00Z'],
    ['date', '01.02.2023'],
    ['date', new Date('2023-02-01')],
    ['json', circular],
    ['json', { [`${CANARY}\0`]: 1 }],
    ['json', { deep: [{ text: `${CANARY}\ud800` }] }],
    ['json', { deep: [Number.NaN] }],
    ['json', Number.NEGATIVE_INFINITY],
    ['json', 1n],
    ['json', () => CANARY],
    ['json', Symbol(CANARY)],
    ['binary', CANARY],
  ])('of kind %s refuses %p without repeating it', (kind, value) => {
    const error = refusalOf(() => encode(kind, value, kind === 'enum' ? { values: ['MILD', 'SEVERE'] } : {}));
    expect(error).toMatchObject({ code: 'INVALID_INPUT', status: 400, entity: 'Thing', attribute: 'attribute' });
    expect(error.message).toMatch(/^Thing\.attribute must be /);
    expect(everythingOf(error)).not.toMatch(/Canary|7301/);
  });

  it('counts the length of a text in characters, as the server does', () => {
    expect(encode('text', '🩺🩺', { maxLength: 2 })).toBe('🩺🩺');
    expect(() => encode('text', '🩺🩺🩺', { maxLength: 2 })).toThrow('at most 2 characters');
  });

  it.each(['9999.99', '-9999.99', '+0009.9900', '0', '.5', '5.', 127.9])(
    'takes the decimal %p for numeric(6,2)',
    (value) => {
      expect(encode('decimal', value, { digits: [4, 2] })).toBe(String(value));
    },
  );

  it.each(['99999.9', '0.001', '127.999', 0.1 + 0.2, 1e-7, 1e21, '10000'])(
    'refuses the decimal %p for numeric(6,2), which would round or overflow',
    (value) => {
      expect(() => encode('decimal', value, { digits: [4, 2] })).toThrow(
        'Thing.attribute must be a decimal number, as text or number of at most 4 digits before and 2 after the point',
      );
    },
  );

  it('of kind json refuses a value nested deeper than the stack', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i += 1) deep = [deep];
    expect(() => encode('json', deep)).toThrow(InvalidInputError);
  });
});
