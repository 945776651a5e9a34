import { ApiProperty } from '@nestjs/swagger';
import { StudentResponse } from '../students/student.response';

/** What an enrolment stored. */
export class EnrolmentResponse {
  @ApiProperty({ type: StudentResponse }) readonly student!: StudentResponse;
  @ApiProperty({ type: [String] }) readonly emergencyContactIds!: readonly string[];
  @ApiProperty({ type: [String] }) readonly allergyIds!: readonly string[];
  @ApiProperty({ format: 'uuid' }) readonly healthRecordId!: string;
}
