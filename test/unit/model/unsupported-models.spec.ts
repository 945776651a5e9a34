import { Column, DataType, Model, Sequelize, Table } from 'sequelize-typescript';
import { ConfigurationError } from '../../../src';
import { describeEntity } from '../../../src/database/model/entity-description';
import { refusalOf } from '../../support/refusal';

const LONG = `a${'b'.repeat(63)}`;

@Table({ tableName: 'ranges' })
class OfRange extends Model {
  @Column(DataType.RANGE(DataType.INTEGER)) declare range: unknown;
}

@Table({ tableName: 'schooled', schema: 'clinical' })
class InSchema extends Model {}

@Table({ tableName: 'a.table' })
class WithDot extends Model {}

@Table({ tableName: 'quotes' })
class WithQuote extends Model {
  @Column({ type: DataType.TEXT, field: 'a"b' }) declare text: string;
}

@Table({ tableName: 'longs' })
class WithLongName extends Model {
  @Column({ type: DataType.TEXT, field: 'short' }) declare [LONG]: string;
}

@Table({ tableName: 'order' })
class WithKeyword extends Model {
  @Column({ type: DataType.TEXT, field: 'Camel Case $1' }) declare select: string;
}

const sequelize = new Sequelize({ dialect: 'postgres' });
sequelize.addModels([OfRange, InSchema, WithDot, WithQuote, WithLongName, WithKeyword]);

describe('A model that repositories cannot serve', () => {
  it.each([
    ['a column of an unknown type', OfRange, /OfRange\.range: column type RANGE is not supported/],
    ['a schema', InSchema, /or there is a schema/],
    ['a dot in the name of its table', WithDot, /a dot/],
    ['a quote in the name of a column', WithQuote, /a quote/],
    ['an attribute whose name the server would cut', WithLongName, /63 bytes/],
  ] as const)('is refused before any statement: %s', (_name, model, message) => {
    const error = refusalOf(() => describeEntity(model));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(message);
  });

  it('is none for its keywords, capitals, blanks and dollars', () => {
    expect(describeEntity(WithKeyword).byAttribute.get('select')!.field).toBe('Camel Case $1');
  });
});
