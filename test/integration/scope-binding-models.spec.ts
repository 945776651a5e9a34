import type { Model } from 'sequelize';
import { runWithContext } from '../../src';
import * as domains from '../../src/domains';
import { pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 1 } });
});
afterAll(() => app?.close());

describe('a model', () => {
  it('reads its columns: no class field shadows an attribute [D22] [U84]', async () => {
    await app.students.create(pupil('declared'), app.clinics.a);
    const found = await runWithContext(app.clinics.a, () =>
      domains.Student.findOne({ where: { studentNumber: 'declared' } }),
    );
    expect(found).toMatchObject({
      studentNumber: 'declared',
      firstName: 'Ada',
      grade: '5',
      version: 1,
      clinicId: app.clinics.a.clinicId,
    });
  });

  it('has no own property for any of its attributes, in any entity [D22] [U84]', () => {
    const models = Object.values(app.sequelize.models);
    expect(models.length).toBeGreaterThanOrEqual(5);
    for (const model of models) {
      const instance = model.build({}) as Model & Record<string, unknown>;
      const shadowed = Object.keys(model.getAttributes()).filter((attribute) => Object.hasOwn(instance, attribute));
      expect({ model: model.name, shadowed }).toEqual({ model: model.name, shadowed: [] });
    }
  });

  it('is told of a rollback by no instance, which is why repositories return none [U70]', async () => {
    let instance: Model | undefined;
    let plain: object | undefined;
    await expect(
      app.unitOfWork.executeInTransaction(async () => {
        instance = await domains.Student.create(pupil('ghost') as never);
        plain = await app.students.create(pupil('ghost-2'));
        throw new Error('undo');
      }, app.clinics.a),
    ).rejects.toThrow('undo');
    // The trap: the instance believes that it is stored.
    expect(instance!.isNewRecord).toBe(false);
    expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
    expect(Object.isFrozen(plain)).toBe(true);
    expect(await app.stored('ghost')).toEqual([]);
  });

  it('raises the version and is audited on every path that fires no hook: increment, static update, raw SQL [U61]', async () => {
    const { id } = await app.students.create(pupil('hookless'), app.clinics.a);
    await runWithContext(app.clinics.a, async () => {
      await domains.Student.increment({ version: 0 } as never, { where: { id } });
      await domains.Student.update({ grade: '6' }, { where: { id }, hooks: false });
      await app.database.query(`UPDATE students SET grade = '7' WHERE id = $1`, [id]);
    });
    expect((await app.students.findById(id, { context: app.clinics.a }))?.version).toBe(4);
    const { rows } = await app.truth.query('SELECT action FROM audit.event WHERE entity_id = $1 ORDER BY seq', [id]);
    expect(rows.map(({ action }: { action: string }) => action)).toEqual(['CREATE', 'UPDATE', 'UPDATE', 'UPDATE']);
  });

  it('logs nothing: neither inline values nor parameters [U72]', async () => {
    const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((level) =>
      jest.spyOn(console, level).mockImplementation(() => undefined),
    );
    await runWithContext(app.clinics.a, async () => {
      await domains.Student.findAll({ where: { firstName: 'Ada' } });
      await domains.Student.bulkCreate([pupil('silent')] as never);
      await domains.Student.bulkCreate([pupil('silent')] as never).catch(() => undefined);
    });
    const calls = printed.flatMap((spy) => spy.mock.calls);
    printed.forEach((spy) => spy.mockRestore());
    expect(calls).toEqual([]);
  });
});
