import { Body, Controller, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles, WRITERS } from '../auth/roles.decorator';
import { ProblemResponses } from '../errors/problem-responses.decorator';
import { CreateEnrolmentRequest } from './create-enrolment.request';
import { EnrolmentResponse } from './enrolment.response';
import { EnrolmentsService } from './enrolments.service';

/** Enrolments into the caller's clinic. */
@ApiTags('enrolments')
@ApiBearerAuth()
@Controller('enrolments')
export class EnrolmentsController {
  constructor(private readonly enrolments: EnrolmentsService) {}

  @Post()
  @Roles(...WRITERS)
  @ApiOperation({ summary: 'Enrol a student with contacts, allergies and a first health record: all or nothing' })
  @ApiCreatedResponse({ type: EnrolmentResponse })
  @ProblemResponses(400, 401, 403, 404, 409, 413, 422)
  enrol(@Body() body: CreateEnrolmentRequest): Promise<EnrolmentResponse> {
    return this.enrolments.enrol(body);
  }
}
