import { DataTypes, type Model, type ModelStatic, Sequelize, type Transaction } from 'sequelize';
import { type BenchmarkDatabase, CLINIC, POOL } from './database';
import type { BenchRow, NewRow, Peer, Protection } from './work';

const CONTEXT = JSON.stringify({ userId: 'bench', requestId: 'bench' });

type Rows = ModelStatic<Model & BenchRow>;

/** Sequelize as its manual shows it. Protection is written out by hand in a managed transaction. */
export function sequelizePeers({ options }: BenchmarkDatabase): Peer[] {
  const sequelize = new Sequelize({
    dialect: 'postgres',
    host: options.host,
    port: options.port,
    database: options.database,
    username: options.username,
    password: options.password,
    logging: false,
    pool: { min: POOL, max: POOL },
    define: { underscored: true, paranoid: true },
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= sequelize.close());
  return [peer(sequelize, 'off', close), peer(sequelize, 'on', close)];
}

function peer(sequelize: Sequelize, protection: Protection, close: () => Promise<void>): Peer {
  const model = sequelize.define(
    protection === 'on' ? 'BenchProtected' : 'BenchPlain',
    {
      id: { type: DataTypes.UUID, primaryKey: true },
      name: { type: DataTypes.TEXT, allowNull: false },
      grade: { type: DataTypes.TEXT, allowNull: false },
      notes: DataTypes.TEXT,
      version: { type: DataTypes.INTEGER, defaultValue: 1 },
      createdBy: DataTypes.UUID,
      updatedBy: DataTypes.UUID,
    },
    { tableName: protection === 'on' ? 'bench_protected' : 'bench_plain' },
  ) as Rows;
  const within = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    sequelize.transaction(async (transaction) => {
      if (protection === 'on') {
        await sequelize.query("SELECT set_config('app.tenant', $1, true), set_config('app.context', $2, true)", {
          bind: [CLINIC, CONTEXT],
          transaction,
        });
      }
      return work(transaction);
    });
  const alone = <T>(work: (transaction: Transaction | undefined) => Promise<T>): Promise<T> =>
    protection === 'on' ? within(work) : work(undefined);
  const plain = (row: Model & BenchRow): BenchRow => row.get({ plain: true }) as BenchRow;
  const create = (row: NewRow, transaction?: Transaction) => model.create({ ...row } as never, { transaction });
  return {
    name: 'Sequelize',
    protection,
    findById: (id) =>
      alone(async (transaction) => {
        const row = await model.findByPk(id, { transaction });
        return row && plain(row);
      }),
    page: (grade) =>
      alone(async (transaction) => {
        const { rows, count } = await model.findAndCountAll({ where: { grade } as never, order: [['name', 'ASC'], ['id', 'ASC']], limit: 20, transaction });
        return { rows: rows.map(plain), total: count };
      }),
    create: (row) => alone(async (transaction) => plain(await create(row, transaction))),
    threeWrites: (first, second) =>
      within(async (transaction) => {
        const row = await create(first, transaction);
        await row.update({ grade: '12' } as never, { transaction });
        await create(second, transaction);
      }),
    close,
  };
}
