import { sanitizeSensitiveData } from '../../../src';
import { registerPhiModel } from '../../../src/database/model/phi-registry';
import { Allergy, HealthRecord, Student } from '../../../src/domains';

const HIDDEN = '[REDACTED]';

beforeAll(() => [Allergy, HealthRecord, Student].forEach(registerPhiModel));

describe('sanitizeSensitiveData', () => {
  it('leaves dates, arrays, numbers and nulls what they are [D10]', () => {
    const at = new Date('2024-01-01T00:00:00Z');
    const bytes = Buffer.from('x');
    const data = {
      at,
      list: [1, 'two', { three: 3 }, [at]],
      nothing: null,
      absent: undefined,
      yes: true,
      bytes,
      big: 1n,
    };
    const clean = sanitizeSensitiveData(data);
    expect(clean).toEqual(data);
    expect(clean.at).toBeInstanceOf(Date);
    expect(Array.isArray(clean.list)).toBe(true);
    expect(clean).not.toBe(data);
    expect(clean.list).not.toBe(data.list);
  });

  it.each([
    'tokenCount',
    'token_count',
    'tokenType',
    'passwordChangedAt',
    'emailCount',
    'addressId',
    'noteIds',
    'pinned',
    'secretary',
    'footnote',
    'addressee',
  ])('leaves the innocent %s [D10]', (key) => {
    expect(sanitizeSensitiveData({ [key]: 5 })).toEqual({ [key]: 5 });
  });

  it.each([
    'password',
    'Password',
    'userPassword',
    'password_hash',
    'PASSWORD',
    'secret',
    'accessToken',
    'refresh_token',
    'apiKey',
    'APIKey',
    'apikey',
    'X-Api-Key',
    'Authorization',
    'cookie',
    'ssn',
    'SSN',
    'patientSSN',
    'socialSecurityNumber',
    'medicalRecordNumber',
    'mrn',
    'dateOfBirth',
    'date_of_birth',
    'dob',
    'firstName',
    'LAST_NAME',
    'first name',
    'last-name',
    'email',
    'emailAddress',
    'phoneNumber',
    'homeAddress',
    'diagnosis',
    'allergen',
    'notes',
  ])('redacts %s by its name, without an entity [003-39] [003-13]', (key) => {
    expect(sanitizeSensitiveData({ [key]: 'Canary' })).toEqual({ [key]: HIDDEN });
  });

  it('redacts at any depth, whatever holds it', () => {
    const data = {
      a: [{ b: { password: 'Canary', c: new Map([['email', 'Canary']]) } }],
      set: new Set([{ ssn: 'Canary' }]),
    };
    const clean = sanitizeSensitiveData(data);
    expect(JSON.stringify(clean)).not.toContain('Canary');
    expect(clean).toEqual({ a: [{ b: { password: HIDDEN, c: { email: HIDDEN } } }], set: [{ ssn: HIDDEN }] });
  });

  it('redacts a whole branch under a sensitive key, and keeps that it was empty', () => {
    expect(
      sanitizeSensitiveData({ notes: { before: 'Canary', after: 'Canary' }, email: null, phone: undefined }),
    ).toEqual({
      notes: HIDDEN,
      email: null,
      phone: undefined,
    });
  });

  it('follows @Phi of the entity, by attribute and by column name [003-39] [D09]', () => {
    const row = {
      id: '1',
      grade: '5',
      race: 'Canary',
      maritalStatus: 'Canary',
      passport_number: 'Canary',
      studentNumber: 'Canary',
    };
    expect(sanitizeSensitiveData(row, 'Student')).toEqual({
      id: '1',
      grade: '5',
      race: HIDDEN,
      maritalStatus: HIDDEN,
      passport_number: HIDDEN,
      studentNumber: HIDDEN,
    });
    expect(sanitizeSensitiveData({ title: 'Canary', recordType: 'ILLNESS' }, 'HealthRecord')).toEqual({
      title: HIDDEN,
      recordType: 'ILLNESS',
    });
  });

  it('adds the names of keys to what an entity says, and falls back to them for an unknown entity', () => {
    expect(sanitizeSensitiveData({ password: 'Canary', race: 'Elf' }, 'NoSuchEntity')).toEqual({
      password: HIDDEN,
      race: 'Elf',
    });
    expect(sanitizeSensitiveData({ password: 'Canary' }, 'Allergy')).toEqual({ password: HIDDEN });
  });

  it('hides every PHI attribute of every registered entity', () => {
    for (const [model, attributes] of [
      ['Student', ['firstName', 'ethnicity', 'driversLicense', 'county', 'gender']],
      ['Allergy', ['allergen', 'code', 'reactions', 'treatment', 'emergencyProtocol']],
      ['HealthRecord', ['description', 'value', 'valueNumeric', 'providerName']],
    ] as const) {
      const data = Object.fromEntries(attributes.map((attribute) => [attribute, 'Canary']));
      expect(JSON.stringify(sanitizeSensitiveData(data, model))).not.toContain('Canary');
    }
  });

  it('ends on a circle, and takes what has a JSON form in it', () => {
    const circle: Record<string, unknown> = { name: 'x' };
    circle.self = circle;
    expect(sanitizeSensitiveData(circle)).toEqual({ name: 'x', self: '[CIRCULAR]' });
    expect(sanitizeSensitiveData({ record: { toJSON: () => ({ ssn: 'Canary', kept: 1 }) } })).toEqual({
      record: { ssn: HIDDEN, kept: 1 },
    });
    const shared = { a: 1 };
    expect(sanitizeSensitiveData({ one: shared, two: shared })).toEqual({ one: { a: 1 }, two: { a: 1 } });
  });

  it('does not let a key reach the prototype', () => {
    const clean = sanitizeSensitiveData(JSON.parse('{ "__proto__": { "polluted": true } }')) as object;
    expect((clean as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each([undefined, null, 'text', 7, true])('answers %p as it is', (value) => {
    expect(sanitizeSensitiveData(value)).toBe(value);
  });
});
