import { Module } from '@nestjs/common';
import { DatabaseModule } from '../../index';
import { HealthRecordRepository, SchoolRepository, StudentRepository } from '../../domains';
import { StudentsController } from './students.controller';
import { StudentsService } from './students.service';
import { TransfersService } from './transfers.service';

/** `/students`. */
@Module({
  imports: [DatabaseModule.forFeature([StudentRepository, SchoolRepository, HealthRecordRepository])],
  controllers: [StudentsController],
  providers: [StudentsService, TransfersService],
})
export class StudentsModule {}
