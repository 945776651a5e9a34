import {
  beginText,
  contextSetting,
  isStronger,
  tenantSetting,
} from '../../../src/database/connection/session-settings';
import { InvalidInputError } from '../../../src';

const CLINIC = '0190a000-0000-7000-8000-00000000000a';

describe('the message that begins a transaction', () => {
  it('says everything as SET LOCAL: nothing outlives the transaction', () => {
    const text = beginText(tenantSetting(CLINIC) + contextSetting({ userId: 'u', requestId: 'r' }), {
      isolation: 'SERIALIZABLE',
      readOnly: true,
      statementTimeoutMs: 10.2,
      lockTimeoutMs: 5,
    });
    const [start, ...settings] = text.split(';').filter(Boolean);
    expect(start).toBe('START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY');
    expect(settings).toEqual([
      `SET LOCAL app.tenant = '${CLINIC}'`,
      `SET LOCAL app.context = '{"userId":"u","requestId":"r"}'`,
      'SET LOCAL statement_timeout = 11',
      'SET LOCAL lock_timeout = 5',
    ]);
  });

  it('is bare where nothing is asked for', () => {
    expect(beginText('')).toBe('START TRANSACTION READ WRITE;');
    expect(tenantSetting(undefined)).toBe('');
    expect(contextSetting(undefined)).toBe('');
  });

  it('keeps the clinic out of the acting context, where it would be a second truth', () => {
    expect(contextSetting({ userId: 'u', requestId: 'r', clinicId: CLINIC })).not.toContain(CLINIC);
  });

  it('names who acts now, also when a context made by hand is used for one actor after the other [U71]', () => {
    const context = { userId: 'first', requestId: 'r' };
    expect(contextSetting(context)).toContain('"first"');
    context.userId = 'second';
    expect(contextSetting(context)).toContain('"second"');
  });

  it('quotes what comes from outside', () => {
    const setting = contextSetting({ userId: `'; DROP TABLE students; --\\`, requestId: 'r' });
    expect(setting).toBe(
      String.raw`SET LOCAL app.context =  E'{"userId":"''; DROP TABLE students; --\\\\","requestId":"r"}';`,
    );
  });

  it.each([`x'; --`, 'a\0b', '0190a000'])('refuses a clinic that is no UUID: %j', (clinicId) => {
    expect(() => tenantSetting(clinicId)).toThrow(InvalidInputError);
  });
});

describe('isolation levels', () => {
  it.each([
    ['SERIALIZABLE', 'REPEATABLE READ', true],
    ['REPEATABLE READ', undefined, true],
    ['READ COMMITTED', undefined, false],
    ['READ COMMITTED', 'SERIALIZABLE', false],
    ['SERIALIZABLE', 'SERIALIZABLE', false],
  ] as const)('%s is stronger than %s: %s', (wanted, open, expected) => {
    expect(isStronger(wanted, open)).toBe(expected);
  });
});
