import { type CreationOptional } from 'sequelize';
import { Column, DataType, Model, Sequelize, Table } from 'sequelize-typescript';
import { Phi, TenantModel } from '../../../src';
import { describeEntity } from '../../../src/database/model/entity-description';
import { phiAttributes } from '../../../src/database/model/phi.decorator';
import { phiModel, registerPhiModel } from '../../../src/database/model/phi-registry';

@Table({ tableName: 'parents' })
class Parent extends TenantModel<Parent> {
  @Phi({ subject: 'id' })
  @Column(DataType.STRING(50))
  declare name: string | null;

  @Column({ type: DataType.INTEGER, allowNull: false, defaultValue: 3 })
  declare count: CreationOptional<number>;
}

@Table({ tableName: 'children' })
class Child extends Parent {
  @Phi()
  @Column(DataType.STRING(50))
  declare nickname: string | null;
}

@Table({ tableName: 'odd' })
class Odd extends Model {
  @Column(DataType.RANGE(DataType.INTEGER))
  declare range: unknown;
}

const sequelize = new Sequelize({
  dialect: 'postgres',
  models: [Parent, Child, Odd],
  define: { underscored: true, paranoid: true },
});

describe('@Phi', () => {
  it('marks a column of its own class and of its subclasses, not of its parent [003-39]', () => {
    expect([...phiAttributes(Parent).keys()]).toEqual(['name']);
    expect([...phiAttributes(Child).keys()].toSorted()).toEqual(['name', 'nickname']);
    expect(phiAttributes(Parent).get('name')).toEqual({ subject: 'id' });
    expect(phiAttributes(Odd).size).toBe(0);
  });

  it('is found by the name of a registered entity, and nothing by another name [D09]', () => {
    registerPhiModel(Child);
    expect(phiModel('Child')?.has('nickname')).toBe(true);
    expect(phiModel('NoSuchEntity')).toBeUndefined();
    expect(phiModel('__proto__')).toBeUndefined();
  });
});

describe('The description of an entity', () => {
  it('knows kind, length, default and who keeps each column', () => {
    expect(sequelize.isDefined('Parent')).toBe(true);
    const { name, table, tenantScoped, byAttribute } = describeEntity(Parent);
    expect({ name, table, tenantScoped }).toEqual({ name: 'Parent', table: 'parents', tenantScoped: true });
    expect(byAttribute.get('name')).toMatchObject({
      kind: 'text',
      maxLength: 50,
      nullable: true,
      managed: false,
      phi: { subject: 'id' },
    });
    expect(byAttribute.get('count')?.makeDefault?.()).toBe(3);
    expect(byAttribute.get('id')).toMatchObject({ kind: 'uuid', nullable: false, managed: false });
    for (const kept of ['clinicId', 'version', 'createdAt', 'updatedAt', 'deletedAt', 'createdBy', 'updatedBy']) {
      expect(byAttribute.get(kept)).toMatchObject({ managed: true });
    }
    expect(byAttribute.get('createdAt')?.field).toBe('created_at');
  });

  it('makes ids that grow with time [000-23]', () => {
    const makeId = describeEntity(Parent).byAttribute.get('id')!.makeDefault!;
    const ids = Array.from({ length: 1_000 }, () => String(makeId()));
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });
});
