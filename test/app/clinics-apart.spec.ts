import { type ClinicApp, expectStatus, pupil, startClinicApp } from './clinic-app';

let clinic: ClinicApp;
let ofA: string;
beforeAll(async () => {
  clinic = await startClinicApp();
  ofA = (await clinic.a.plant('apart-1', { grade: '5', schoolId: clinic.a.schools[0] })).id;
});
afterAll(() => clinic?.close());

describe('Two clinics', () => {
  it.each([
    ['get', '', undefined],
    ['patch', '', { version: 1, grade: '6' }],
    ['delete', '', undefined],
    ['post', '/restore', undefined],
    ['post', '/transfer', {}],
    ['get', '/audit', undefined],
  ] as const)("answer 404 for the other's student: %s /students/:id%s [000-28]", async (method, path, given) => {
    const before = await clinic.stored();
    const body = given && path === '/transfer' ? { schoolId: clinic.b.schools[1] } : given;
    const { body: problem } = await clinic.b.call(method, `/students/${ofA}${path}`, body).expect(404);
    expect(problem).toMatchObject({ code: 'NOT_FOUND', message: `Student ${ofA} not found` });
    expect(await clinic.stored()).toBe(before);
    await expectStatus(200, clinic.a.call('get', `/students/${ofA}`));
  });

  it("cannot restore the other's deleted student [000-28]", async () => {
    const { id } = await clinic.a.plant('apart-deleted');
    await expectStatus(204, clinic.a.call('delete', `/students/${id}`));
    await expectStatus(404, clinic.b.call('post', `/students/${id}/restore`));
    await expectStatus(404, clinic.b.call('get', `/students/${id}/audit`));
  });

  it('list only their own students, whatever the filter [000-28]', async () => {
    const { id } = await clinic.b.plant('apart-2', { grade: '5' });
    for (const query of ['', '?grade=5', '?isActive=true', '?sort=-createdAt&limit=100']) {
      const { body } = await clinic.b.call('get', `/students${query}`).expect(200);
      expect(body.data.map((student: { id: string }) => student.id)).toEqual([id]);
      expect(body.pagination.total).toBe(1);
    }
    const { body } = await clinic.b.call('get', `/students?schoolId=${clinic.a.schools[0]}`).expect(200);
    expect(body.data).toEqual([]);
  });

  it('may use the same student number [000-28]', async () => {
    await expectStatus(201, clinic.b.call('post', '/students', pupil('apart-1')));
  });

  it("cannot send a student to the other's school, nor enrol one there [000-28]", async () => {
    const before = await clinic.stored();
    const [theirs] = clinic.b.schools;
    for (const [path, body] of [
      [`/students/${ofA}/transfer`, { schoolId: theirs }],
      ['/students', { ...pupil('apart-3'), schoolId: theirs }],
      ['/enrolments', { student: { ...pupil('apart-4'), schoolId: theirs } }],
    ] as const) {
      const { body: problem } = await clinic.a.call('post', path, body).expect(404);
      expect(problem).toMatchObject({ code: 'NOT_FOUND', entity: 'School' });
    }
    expect(await clinic.stored()).toBe(before);
  });

  it('keep their requests apart when they come at once [D03]', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? clinic.a : clinic.b).call('get', `/students/${ofA}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? 200 : 404)),
    );
  });

  it('have no student in a clinic that is in nobody', async () => {
    const superuser = await clinic.db.superClient();
    const { rows } = await superuser.query('SELECT DISTINCT clinic_id FROM students ORDER BY 1');
    expect(rows.map(({ clinic_id: id }) => id as string)).toEqual([
      clinic.a.context.clinicId,
      clinic.b.context.clinicId,
    ]);
  });
});
