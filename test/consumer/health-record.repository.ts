import { Inject, Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/sequelize';
import { BaseRepository, type IAuditLogger, type ICacheManager, sanitizeSensitiveData } from '../../src';
import { HealthRecord, type RecordType } from '../../src/domains';
import type {
  CreateHealthRecordDTO,
  HealthRecordAttributes,
  IHealthRecordRepository,
  UpdateHealthRecordDTO,
} from './health-record.repository.interface';

/** Step 2 of the recipe of document 003: the implementation, with a constructor and hooks of its own (003-17). */
@Injectable()
export class RecipeHealthRecordRepository
  extends BaseRepository<HealthRecord, HealthRecordAttributes, CreateHealthRecordDTO, UpdateHealthRecordDTO>
  implements IHealthRecordRepository
{
  constructor(
    @InjectModel(HealthRecord) model: typeof HealthRecord,
    @Inject('IAuditLogger') auditLogger: IAuditLogger,
    @Inject('ICacheManager') cacheManager: ICacheManager,
  ) {
    super(model, auditLogger, cacheManager, 'HealthRecord');
  }

  async findByStudent(studentId: string): Promise<HealthRecordAttributes[]> {
    const records = await this.model.findAll({ where: { studentId }, order: [['createdAt', 'DESC']] });
    return records.map((record) => this.mapToEntity(record));
  }

  async findByRecordType(recordType: RecordType): Promise<HealthRecordAttributes[]> {
    const records = await this.model.findAll({ where: { recordType } });
    return records.map((record) => this.mapToEntity(record));
  }

  protected override async invalidateCaches(entity: HealthRecordAttributes): Promise<void> {
    await this.cacheManager.delete(this.cacheKeyBuilder.entity(this.entityName, entity.id));
    await this.cacheManager.deletePattern(`white-cross:healthrecord:student:${entity.studentId}:*`);
  }

  protected override sanitizeForAudit(data: object): object {
    return sanitizeSensitiveData(data);
  }
}
