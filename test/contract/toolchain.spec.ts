import { Injectable, Module } from '@nestjs/common';
import { SequelizeModule } from '@nestjs/sequelize';
import { Test } from '@nestjs/testing';
import { DataType } from 'sequelize-typescript';
import { Column, Table } from 'sequelize-typescript';
import { TenantModel } from '../../src/database/model/tenant.model';

@Injectable()
class Clock {
  now(): Date {
    return new Date(0);
  }
}

@Injectable()
class Reader {
  constructor(readonly clock: Clock) {}
}

@Module({ providers: [Clock, Reader], exports: [Reader] })
class ReaderModule {}

@Table({ tableName: 'notes' })
class Note extends TenantModel<Note> {
  @Column(DataType.TEXT)
  declare title: string;
}

describe('the toolchain', () => {
  it('boots a Nest module by constructor metadata', async () => {
    const module = await Test.createTestingModule({ imports: [ReaderModule] }).compile();
    expect(module.get(Reader).clock.now().getTime()).toBe(0);
    await module.close();
  });

  it('loads the Sequelize module of Nest', () => {
    expect(SequelizeModule.forFeature([]).module).toBe(SequelizeModule);
  });

  it('compiles class fields so that they do not shadow attributes [D22]', () => {
    expect(Object.getOwnPropertyNames(Object.create(Note.prototype))).not.toContain('title');
    expect(Reflect.getMetadata('design:type', Note.prototype, 'title')).toBe(String);
  });
});
