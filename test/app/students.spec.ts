import { type ClinicApp, expectStatus, pupil, startClinicApp, USER } from './clinic-app';

let clinic: ClinicApp;
beforeAll(async () => {
  clinic = await startClinicApp();
});
afterAll(() => clinic?.close());

const UNKNOWN = '0190ffff-0000-7000-8000-00000000ffff';

describe('/students', () => {
  it('stores a student and reads it back [003-07]', async () => {
    const body = { ...pupil('create-1'), grade: '5', schoolId: clinic.a.schools[0], middleName: null };
    const created = await clinic.a.call('post', '/students', body).expect(201);
    expect(created.body).toMatchObject({ ...body, version: 1, isActive: true });
    const read = await clinic.a.call('get', `/students/${created.body.id}`).expect(200);
    expect(read.body).toEqual({ ...created.body, school: { id: clinic.a.schools[0], name: 'Northside' } });
    expect(read.body).not.toHaveProperty('socialSecurityNumber');
    expect(read.body).not.toHaveProperty('clinicId');
  });

  it('changes only what the caller read [D21]', async () => {
    const { id } = await clinic.a.plant('update-1');
    const first = await clinic.a
      .call('patch', `/students/${id}`, { version: 1, grade: '6', nurseId: null })
      .expect(200);
    expect(first.body).toMatchObject({ version: 2, grade: '6', firstName: 'Grace' });
    const second = await clinic.a.call('patch', `/students/${id}`, { version: 1, grade: '7' }).expect(409);
    expect(second.body).toMatchObject({ code: 'CONFLICT', entity: 'Student' });
    expect((await clinic.a.call('get', `/students/${id}`)).body.grade).toBe('6');
  });

  it('deletes and restores [000-24]', async () => {
    const { id } = await clinic.a.plant('delete-1');
    expect((await clinic.a.call('delete', `/students/${id}`).expect(204)).text).toBe('');
    await expectStatus(404, clinic.a.call('get', `/students/${id}`));
    await expectStatus(404, clinic.a.call('delete', `/students/${id}`));
    const restored = await clinic.a.call('post', `/students/${id}/restore`).expect(200);
    expect(restored.body).toMatchObject({ id, studentNumber: 'delete-1' });
    await expectStatus(200, clinic.a.call('get', `/students/${id}`));
    await expectStatus(404, clinic.a.call('post', `/students/${id}/restore`));
  });

  it('answers 404 with a code for a student that is not there [000-38]', async () => {
    for (const [method, path, body] of [
      ['get', `/students/${UNKNOWN}`],
      ['patch', `/students/${UNKNOWN}`, { version: 1, grade: '1' }],
      ['delete', `/students/${UNKNOWN}`],
      ['post', `/students/${UNKNOWN}/restore`],
      ['post', `/students/${UNKNOWN}/transfer`, { schoolId: clinic.a.schools[0] }],
      ['get', `/students/${UNKNOWN}/audit`],
    ] as const) {
      const { body: problem } = await clinic.a.call(method, path, body).expect(404);
      expect(problem).toMatchObject({
        statusCode: 404,
        code: 'NOT_FOUND',
        entity: 'Student',
        message: `Student ${UNKNOWN} not found`,
      });
    }
  });

  it('refuses a school that was deleted', async () => {
    const superuser = await clinic.db.superClient();
    const { rows } = await superuser.query<{ id: string }>(
      `INSERT INTO schools (clinic_id, id, name, code, deleted_at) VALUES ($1, gen_random_uuid(), 'Closed', 'X', now()) RETURNING id`,
      [clinic.a.context.clinicId],
    );
    const { id } = await clinic.a.plant('closed-1');
    await expectStatus(404, clinic.a.call('post', `/students/${id}/transfer`, { schoolId: rows[0]!.id }));
    await expectStatus(404, clinic.a.call('post', '/students', { ...pupil('closed-2'), schoolId: rows[0]!.id }));
  });
});

describe('GET /students', () => {
  beforeAll(async () => {
    const [school] = clinic.b.schools;
    await clinic.b.plant('l1', { lastName: 'Curie', firstName: 'Marie', grade: '3', schoolId: school });
    await clinic.b.plant('l2', { lastName: 'Zuse', firstName: 'Konrad', grade: '3', isActive: false });
    await clinic.b.plant('l3', { lastName: 'Curie', firstName: 'Eve', grade: '4', schoolId: school });
  });

  const numbers = async (query: string): Promise<string[]> => {
    const { body } = await clinic.b.call('get', `/students?${query}`).expect(200);
    return (body.data as { studentNumber: string }[]).map(({ studentNumber }) => studentNumber);
  };

  it('lists by name unless asked otherwise [003-19]', async () => {
    expect(await numbers('')).toEqual(['l3', 'l1', 'l2']);
  });

  it('sorts by several keys, each in its direction [003-18]', async () => {
    expect(await numbers('sort=-lastName,firstName')).toEqual(['l2', 'l3', 'l1']);
    expect(await numbers('sort=grade,-firstName')).toEqual(['l1', 'l2', 'l3']);
  });

  it('filters [003-19]', async () => {
    expect(await numbers('grade=3')).toEqual(['l1', 'l2']);
    expect(await numbers('isActive=false')).toEqual(['l2']);
    expect(await numbers(`isActive=true&schoolId=${clinic.b.schools[0]}`)).toEqual(['l3', 'l1']);
    expect(await numbers(`schoolId=${clinic.b.schools[1]}`)).toEqual([]);
  });

  it('pages [003-18]', async () => {
    const { body } = await clinic.b.call('get', '/students?page=2&limit=2').expect(200);
    expect(body.data).toHaveLength(1);
    expect(body.pagination).toEqual({ page: 2, limit: 2, total: 3, pages: 2, hasNext: false, hasPrevious: true });
  });

  it('reads no more of a student than a list shows', async () => {
    const { body } = await clinic.b.call('get', '/students?limit=1').expect(200);
    expect(Object.keys(body.data[0]).toSorted()).toEqual(
      [
        'id',
        'version',
        'studentNumber',
        'firstName',
        'lastName',
        'dateOfBirth',
        'gender',
        'grade',
        'schoolId',
        'isActive',
        'createdAt',
        'updatedAt',
      ].toSorted(),
    );
  });
});

describe('GET /students/:id', () => {
  it('shows the school by its name, and none where there is none', async () => {
    const { id } = await clinic.a.plant('school-none');
    expect((await clinic.a.call('get', `/students/${id}`).expect(200)).body.school).toBeNull();
    const { body } = await clinic.a.call('post', `/students/${id}/transfer`, { schoolId: clinic.a.schools[1] });
    expect(body).not.toHaveProperty('school');
    const read = await clinic.a.call('get', `/students/${id}`).expect(200);
    expect(read.body.school).toEqual({ id: clinic.a.schools[1], name: 'Southside' });
  });
});

describe('GET /students/scroll', () => {
  interface Scroll {
    readonly data: readonly { readonly studentNumber: string }[];
    readonly cursors: { readonly next: string | null; readonly previous: string | null };
  }
  const scroll = async (query: string): Promise<Scroll & { readonly numbers: readonly string[] }> => {
    const { body } = await clinic.b.call('get', `/students/scroll?${query}`).expect(200);
    return { ...body, numbers: (body as Scroll).data.map(({ studentNumber }) => studentNumber) };
  };

  it('goes forward and back by cursors', async () => {
    const first = await scroll('limit=2');
    expect(first.numbers).toEqual(['l3', 'l1']);
    expect(first.cursors).toEqual({ next: expect.any(String), previous: null });
    const second = await scroll(`limit=2&after=${first.cursors.next}`);
    expect(second.numbers).toEqual(['l2']);
    expect(second.cursors.next).toBeNull();
    expect((await scroll(`limit=2&before=${second.cursors.previous}`)).numbers).toEqual(['l3', 'l1']);
  });

  it('filters and sorts as the list does', async () => {
    expect((await scroll('grade=3&sort=-lastName')).numbers).toEqual(['l2', 'l1']);
  });

  it('refuses a cursor of another filter, order or clinic, and one that was made up', async () => {
    const { next } = (await scroll('limit=1')).cursors;
    for (const query of [`grade=3&after=${next}`, `sort=grade&after=${next}`, 'after=made-up']) {
      const { body } = await expectStatus(400, clinic.b.call('get', `/students/scroll?${query}`));
      expect(body.code).toBe('INVALID_CURSOR');
    }
    await expectStatus(400, clinic.a.call('get', `/students/scroll?limit=1&after=${next}`));
  });

  it.each(['after=', 'after=%20', 'after=a&before=a', `after=${'a'.repeat(5_000)}`, 'page=2', 'after=a&after=b'])(
    'refuses what it does not take: %s',
    async (query) => {
      const { body } = await expectStatus(400, clinic.b.call('get', `/students/scroll?${query}`));
      expect(body.code).toBe('INVALID_INPUT');
    },
  );
});

describe('GET /students/:id/audit', () => {
  it('tells who did what, newest first, and keeps no PHI [003-35] [003-36] [003-39]', async () => {
    const { body: student } = await clinic.a.call('post', '/students', pupil('audit-1')).expect(201);
    await expectStatus(
      200,
      clinic.a
        .call('patch', `/students/${student.id}`, { version: 1, grade: '9', phone: '555-0100' })
        .set('X-Request-Id', 'my-request'),
    );
    await expectStatus(204, clinic.a.call('delete', `/students/${student.id}`));
    const { body: events, text } = await clinic.a.call('get', `/students/${student.id}/audit`).expect(200);
    expect(events.map((event: { action: string }) => event.action)).toEqual(['DELETE', 'UPDATE', 'CREATE']);
    expect(events[1]).toMatchObject({
      entity: 'Student',
      entityId: student.id,
      userId: USER,
      userRole: 'NURSE',
      clinicId: clinic.a.context.clinicId,
      requestId: 'my-request',
      ipAddress: expect.stringContaining('127.0.0.1'),
      before: { grade: null },
      after: { grade: '9' },
      contextMissing: false,
    });
    expect(events[1].changed.toSorted()).toEqual(['grade', 'phone']);
    for (const value of ['Hopper', '555-0100', '2012-12-09', 'audit-1']) expect(text).not.toContain(value);
  });
});
