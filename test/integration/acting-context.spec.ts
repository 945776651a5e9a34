import { createExecutionContext, type ExecutionContext, type IAuditLogger, runWithContext } from '../../src';
import { SchoolRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

let app: DatabaseApp;
let clinics: TwoClinics;
let schools: SchoolRepository;
let other: ExecutionContext;

beforeAll(async () => {
  app = await startDatabaseApp([SchoolRepository]);
  clinics = await plantClinics(app);
  schools = app.get(SchoolRepository);
  other = createExecutionContext({ userId: 'physician-7', clinicId: clinics.a.clinicId });
});
afterAll(() => app?.close());

let number = 0;
const school = () => ({ name: 'School', code: `C-${(number += 1)}` });

async function authorOf(id: string): Promise<string> {
  const trail = await app.module.get<IAuditLogger>('IAuditLogger').trail('School', id, clinics.a);
  return trail.find((event) => event.action === 'CREATE')!.userId;
}

describe('Who acts inside one unit of work', () => {
  it('is the explicit context for its call, and the unit’s own again afterwards [003-36]', async () => {
    const [first, second, third] = await app.unitOfWork.executeInTransaction(
      async () => [
        await schools.create(school()),
        await schools.create(school(), other),
        await schools.create(school()),
      ],
      clinics.a,
    );
    expect(await authorOf(first!.id)).toBe(clinics.a.userId);
    expect(await authorOf(second!.id)).toBe('physician-7');
    expect(await authorOf(third!.id)).toBe(clinics.a.userId);
  });

  it('is the ambient context of an inner runWithContext, for raw SQL too', async () => {
    const id = '0190a000-0000-7000-8000-0000000000aa';
    await app.unitOfWork.executeInTransaction(async () => {
      await schools.create(school());
      await runWithContext(other, () =>
        app.database.none("INSERT INTO schools (id, name, code) VALUES ($1, 'Raw', 'RAW')", [id]),
      );
    }, clinics.a);
    expect(await authorOf(id)).toBe('physician-7');
  });

  it('is said again after a nested unit that had switched it rolled back', async () => {
    const written = await app.unitOfWork.executeInTransaction(async (uow) => {
      await schools.create(school());
      await uow
        .executeInTransaction(
          async () => {
            await schools.create(school(), other);
            throw new Error('fault');
          },
          clinics.a,
          { propagation: 'NESTED' },
        )
        .catch(() => undefined);
      return schools.create(school(), other);
    }, clinics.a);
    expect(await authorOf(written.id)).toBe('physician-7');
  });
});
