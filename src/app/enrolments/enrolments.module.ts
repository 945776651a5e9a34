import { Module } from '@nestjs/common';
import { DatabaseModule } from '../../index';
import {
  AllergyRepository,
  EmergencyContactRepository,
  HealthRecordRepository,
  SchoolRepository,
  StudentRepository,
} from '../../domains';
import { EnrolmentsController } from './enrolments.controller';
import { EnrolmentsService } from './enrolments.service';

/** `/enrolments`. */
@Module({
  imports: [
    DatabaseModule.forFeature([
      StudentRepository,
      SchoolRepository,
      EmergencyContactRepository,
      AllergyRepository,
      HealthRecordRepository,
    ]),
  ],
  controllers: [EnrolmentsController],
  providers: [EnrolmentsService],
})
export class EnrolmentsModule {}
