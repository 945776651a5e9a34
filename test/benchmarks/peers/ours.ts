import type { BaseRepository, ExecutionContext, IUnitOfWork } from '../../../src';
import { runWithContext } from '../../../src';
import type { PlainRecord, RecordInput } from '../record';
import { PAGE_SIZE, type Peer, type Protections, type RecordPage } from './peer';

/** The repository of either record: what differs, the clinic, nobody passes. */
export type RecordRepository = Pick<BaseRepository<PlainRecord>, 'findById' | 'findMany' | 'create' | 'update'>;

const BY_NAME = [{ lastName: 'ASC' }] as const;

/** The library: a repository and the unit of work, each call on behalf of its context as a request's is. */
export class Ours implements Peer {
  readonly name = 'ours';

  constructor(
    private readonly records: RecordRepository,
    private readonly unitOfWork: IUnitOfWork,
    private readonly context: ExecutionContext,
    readonly protections: Protections,
  ) {}

  findById(id: string): Promise<object | null> {
    return runWithContext(this.context, () => this.records.findById(id));
  }

  page(grade: string, counted: boolean): Promise<RecordPage> {
    return runWithContext(this.context, async () => {
      const { data, pagination } = await this.records.findMany({
        where: { grade },
        orderBy: BY_NAME,
        pagination: { page: 1, limit: PAGE_SIZE, total: counted },
      });
      return { rows: data, total: pagination.total };
    });
  }

  create(input: RecordInput): Promise<object> {
    return runWithContext(this.context, () => this.records.create(input));
  }

  addVisit(id: string): Promise<object> {
    return runWithContext(this.context, async () => {
      const record = await this.records.findById(id);
      const { version, visits } = record!;
      return this.records.update(id, { visits: visits + 1 }, undefined, { expectedVersion: version });
    });
  }

  unit(first: RecordInput, id: string, second: RecordInput): Promise<readonly object[]> {
    return this.unitOfWork.executeInTransaction(
      async () => [
        await this.records.create(first),
        await this.records.update(id, { visits: first.visits }),
        await this.records.create(second),
      ],
      this.context,
    );
  }
}
