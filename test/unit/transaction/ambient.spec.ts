import { createExecutionContext, currentContext, runWithContext } from '../../../src';
import { ambient, runWithScope } from '../../../src/database/context/ambient';

const nurse = createExecutionContext({ userId: 'nurse' });
const doctor = createExecutionContext({ userId: 'doctor' });

describe('what travels with a chain of calls', () => {
  it('follows promises and timers, and ends with the call', async () => {
    await runWithContext(nurse, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(currentContext()).toBe(nurse);
    });
    expect(currentContext()).toBeUndefined();
  });

  it('keeps chains apart that run at once', async () => {
    const seen = await Promise.all(
      [nurse, doctor, nurse].map((context) =>
        runWithContext(context, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return currentContext();
        }),
      ),
    );
    expect(seen).toEqual([nurse, doctor, nurse]);
  });

  it('is never changed for the outer call by an inner one', () => {
    const [database, other, scope] = [{}, {}, {}];
    runWithScope(database, scope, nurse, () => {
      const outer = ambient();
      runWithScope(other, {}, doctor, () => {
        runWithScope(database, undefined, doctor, () => expect(ambient().scopes.has(database)).toBe(false));
        expect(ambient().scopes.get(database)).toBe(scope);
        expect(currentContext()).toBe(doctor);
      });
      expect(ambient()).toBe(outer);
      expect(ambient().scopes.size).toBe(1);
      expect(currentContext()).toBe(nurse);
    });
    expect(ambient().scopes.size).toBe(0);
  });

  it('returns what the call returns, and lets its error through', () => {
    expect(runWithContext(nurse, () => 42)).toBe(42);
    expect(() =>
      runWithContext(nurse, () => {
        throw new TypeError('mine');
      }),
    ).toThrow(TypeError);
    expect(currentContext()).toBeUndefined();
  });
});
