import { isServerAnswer, sqlStateOf } from '../../../src/database/connection/error-mapper';

const answer = (code: string, severity: string): Error => Object.assign(new Error('x'), { code, severity });

describe('an error of the driver', () => {
  it.each([
    ['23505', 'ERROR'],
    ['40001', 'ERROR'],
    // lc_messages translates the severity.
    ['23505', 'FEHLER'],
    ['23514', 'ОШИБКА'],
    ['57014', 'ERREUR'],
    ['08P01', 'ERROR'],
  ])('leaves the connection usable: %s %s', (code, severity) => {
    expect(isServerAnswer(answer(code, severity))).toBe(true);
  });

  it.each([
    ['57P01', 'FATAL'],
    ['57P01', 'ВАЖНО'],
    ['25P03', 'FATAL'],
    ['25P04', 'SCHWERWIEGEND'],
    ['XX000', 'PANIC'],
    ['08006', 'FEHLER'],
  ])('ends the session: %s %s', (code, severity) => {
    expect(isServerAnswer(answer(code, severity))).toBe(false);
    expect(sqlStateOf(answer(code, severity))).toBe(code);
  });

  it.each([
    new Error('Connection terminated unexpectedly'),
    Object.assign(new Error('x'), { code: 'ECONNRESET' }),
    undefined,
    null,
    'text',
  ])('is no answer of the server at all: %p', (error) => {
    expect(isServerAnswer(error)).toBe(false);
    expect(sqlStateOf(error)).toBeUndefined();
  });
});
