import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  QueryTypes,
  type Sequelize,
  type Transaction,
} from 'sequelize';
import { newId, type RecordInput } from '../record';
import { ACTOR, CLINIC, PAGE_SIZE, type Peer, type Protections, type RecordPage, SET_TENANT } from './peer';

class SequelizeRecord
  extends Model<InferAttributes<SequelizeRecord>, InferCreationAttributes<SequelizeRecord>>
  implements RecordInput
{
  declare id: CreationOptional<string>;
  declare number: string;
  declare firstName: string;
  declare lastName: string;
  declare dateOfBirth: string;
  declare grade: string;
  declare address: string;
  declare notes: string;
  declare visits: number;
  declare isActive: boolean;
}

const CONTEXT = JSON.stringify(ACTOR);

/** Sequelize as its documentation shows it: models, instances, managed transactions, its own version column. */
export class PlainSequelize implements Peer {
  readonly name = 'Sequelize';
  private readonly records: ModelStatic<SequelizeRecord>;

  constructor(
    private readonly sequelize: Sequelize,
    readonly protections: Protections,
  ) {
    this.records = class extends SequelizeRecord {}.init(
      {
        ...(protections === 'on' ? { clinicId: { type: DataTypes.UUID } } : {}),
        id: { type: DataTypes.UUID, primaryKey: true, defaultValue: newId },
        number: { type: DataTypes.STRING(50), allowNull: false },
        firstName: { type: DataTypes.STRING(100), allowNull: false },
        lastName: { type: DataTypes.STRING(100), allowNull: false },
        dateOfBirth: { type: DataTypes.DATEONLY, allowNull: false },
        grade: { type: DataTypes.STRING(10), allowNull: false },
        address: DataTypes.STRING(300),
        notes: DataTypes.TEXT,
        visits: { type: DataTypes.INTEGER, allowNull: false },
        isActive: { type: DataTypes.BOOLEAN, allowNull: false },
        createdBy: DataTypes.UUID,
        updatedBy: DataTypes.UUID,
      } as never,
      {
        sequelize,
        modelName: `SequelizeRecord_${protections}`,
        tableName: protections === 'on' ? 'protected_records' : 'plain_records',
        underscored: true,
        paranoid: true,
        version: true,
      },
    ) as unknown as ModelStatic<SequelizeRecord>;
  }

  findById(id: string): Promise<object | null> {
    return this.run((transaction) => this.records.findByPk(id, { transaction }));
  }

  page(grade: string, counted: boolean): Promise<RecordPage> {
    return this.run(async (transaction) => {
      const options = {
        where: { grade },
        order: [['lastName', 'ASC'] as const, ['id', 'ASC'] as const] as [string, string][],
        limit: PAGE_SIZE,
        offset: 0,
        transaction,
      };
      if (!counted) return { rows: await this.records.findAll(options), total: null };
      const { rows, count } = await this.records.findAndCountAll(options);
      return { rows, total: count };
    });
  }

  create(input: RecordInput): Promise<object> {
    return this.run((transaction) => this.records.create(input, { transaction }));
  }

  addVisit(id: string): Promise<object> {
    return this.run(async (transaction) => {
      const record = await this.records.findByPk(id, { transaction });
      return record!.update({ visits: record!.visits + 1 }, { transaction, returning: true });
    });
  }

  unit(first: RecordInput, id: string, second: RecordInput): Promise<readonly object[]> {
    return this.inTransaction(async (transaction) => {
      const created = await this.records.create(first, { transaction });
      const [, updated] = await this.records.update(
        { visits: first.visits },
        { where: { id }, returning: true, transaction },
      );
      return [created, updated[0]!, await this.records.create(second, { transaction })];
    });
  }

  private run<T>(work: (transaction?: Transaction) => Promise<T>): Promise<T> {
    return this.protections === 'on' ? this.inTransaction(work) : work();
  }

  private inTransaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.sequelize.transaction(async (transaction) => {
      if (this.protections === 'on') {
        await this.sequelize.query(SET_TENANT, { bind: [CLINIC, CONTEXT], type: QueryTypes.SELECT, transaction });
      }
      return work(transaction);
    });
  }
}
