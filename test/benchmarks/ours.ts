import { NestFactory } from '@nestjs/core';
import { Column, DataType, Table } from 'sequelize-typescript';
import {
  BaseModel,
  createExecutionContext,
  DatabaseModule,
  type ExecutionContext,
  type IUnitOfWork,
  Phi,
  repositoryFor,
  runWithContext,
  TenantModel,
  UNIT_OF_WORK,
} from '../../src';
import { type BenchmarkDatabase, CLINIC } from './database';
import type { Peer, Protection } from './work';

@Table({ tableName: 'bench_plain' })
class BenchPlain extends BaseModel<BenchPlain> {
  @Column({ type: DataType.TEXT, allowNull: false }) declare name: string;
  @Column({ type: DataType.TEXT, allowNull: false }) declare grade: string;
  @Column(DataType.TEXT) declare notes: string | null;
}

@Table({ tableName: 'bench_protected' })
class BenchProtected extends TenantModel<BenchProtected> {
  @Phi() @Column({ type: DataType.TEXT, allowNull: false }) declare name: string;
  @Column({ type: DataType.TEXT, allowNull: false }) declare grade: string;
  @Phi() @Column(DataType.TEXT) declare notes: string | null;
}

class PlainRepository extends repositoryFor(BenchPlain) {}
class ProtectedRepository extends repositoryFor(BenchProtected) {}

/** This library, through its public names. */
export async function ourPeers({ options }: BenchmarkDatabase): Promise<Peer[]> {
  class BenchModule {}
  const app = await NestFactory.createApplicationContext(
    {
      module: BenchModule,
      imports: [DatabaseModule.forRoot(options), DatabaseModule.forFeature([PlainRepository, ProtectedRepository])],
    },
    { logger: ['error'] },
  );
  const unitOfWork = app.get<IUnitOfWork>(UNIT_OF_WORK, { strict: false });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  const actor = createExecutionContext({ userId: 'bench', requestId: 'bench' });
  const member = createExecutionContext({ userId: 'bench', requestId: 'bench', clinicId: CLINIC });
  const find = { strict: false };
  return [
    peer(app.get(PlainRepository, find), unitOfWork, 'off', actor, close),
    peer(app.get(ProtectedRepository, find), unitOfWork, 'on', member, close),
  ];
}

function peer(
  repository: PlainRepository | ProtectedRepository,
  unitOfWork: IUnitOfWork,
  protection: Protection,
  context: ExecutionContext,
  close: () => Promise<void>,
): Peer {
  const rows = repository as PlainRepository;
  return {
    name: 'ours',
    protection,
    findById: (id) => runWithContext(context, () => rows.findById(id)),
    page: (grade) =>
      runWithContext(context, async () => {
        const { data, pagination } = await rows.findMany({ where: { grade }, orderBy: [{ name: 'ASC' }] });
        return { rows: data, total: pagination.total! };
      }),
    create: (row) => rows.create(row, context),
    threeWrites: (first, second) =>
      unitOfWork.executeInTransaction(async () => {
        await rows.create(first);
        await rows.update(first.id, { grade: '12' });
        await rows.create(second);
      }, context),
    close,
  };
}
