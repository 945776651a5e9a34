import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Roles, WRITERS } from '../auth/roles.decorator';
import { ProblemResponses } from '../errors/problem-responses.decorator';
import { AuditEventResponse } from './audit-event.response';
import { CreateStudentRequest } from './create-student.request';
import { ListStudentsQuery, ScrollStudentsQuery } from './list-students.query';
import { StudentPage, StudentResponse, StudentScroll, StudentWithSchool, toStudentResponse } from './student.response';
import { StudentsService } from './students.service';
import { TransferStudentRequest } from './transfer-student.request';
import { TransfersService } from './transfers.service';
import { UpdateStudentRequest } from './update-student.request';

/** Students of the caller's clinic. Ids are checked by the repositories. */
@ApiTags('students')
@ApiBearerAuth()
@ProblemResponses(400, 401, 503)
@Controller('students')
export class StudentsController {
  constructor(
    private readonly students: StudentsService,
    private readonly transfers: TransfersService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'A page of students' })
  @ApiOkResponse({ type: StudentPage })
  list(@Query() query: ListStudentsQuery): Promise<StudentPage> {
    return this.students.list(query);
  }

  // In front of :id, which would take the word for one.
  @Get('scroll')
  @ApiOperation({
    summary: 'Students by cursor: without a total, as quick at the end as at the beginning',
    description: 'A cursor holds for the filter and the order that it was answered for.',
  })
  @ApiOkResponse({ type: StudentScroll })
  scroll(@Query() query: ScrollStudentsQuery): Promise<StudentScroll> {
    return this.students.scroll(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One student, with the school' })
  @ApiOkResponse({ type: StudentWithSchool })
  @ProblemResponses(404)
  async get(@Param('id') id: string): Promise<StudentWithSchool> {
    const student = await this.students.get(id);
    return { ...toStudentResponse(student), school: student.school };
  }

  @Post()
  @Roles(...WRITERS)
  @ApiOperation({ summary: 'Store a student' })
  @ApiCreatedResponse({ type: StudentResponse })
  @ProblemResponses(403, 404, 409, 413, 422)
  async create(@Body() body: CreateStudentRequest): Promise<StudentResponse> {
    return toStudentResponse(await this.students.create(body));
  }

  @Patch(':id')
  @Roles(...WRITERS)
  @ApiOperation({ summary: 'Change a student' })
  @ApiOkResponse({ type: StudentResponse })
  @ProblemResponses(403, 404, 409, 413, 422)
  async update(@Param('id') id: string, @Body() { version, ...patch }: UpdateStudentRequest): Promise<StudentResponse> {
    return toStudentResponse(await this.students.update(id, version, patch));
  }

  @Delete(':id')
  @HttpCode(204)
  @Roles(...WRITERS)
  @ApiOperation({ summary: 'Delete a student; can be undone by restore' })
  @ApiNoContentResponse()
  @ProblemResponses(403, 404)
  delete(@Param('id') id: string): Promise<void> {
    return this.students.delete(id);
  }

  @Post(':id/restore')
  @HttpCode(200)
  @Roles(...WRITERS)
  @ApiOperation({ summary: 'Bring a deleted student back' })
  @ApiOkResponse({ type: StudentResponse })
  @ProblemResponses(403, 404, 409)
  async restore(@Param('id') id: string): Promise<StudentResponse> {
    return toStudentResponse(await this.students.restore(id));
  }

  @Post(':id/transfer')
  @HttpCode(200)
  @Roles(...WRITERS)
  @ApiOperation({ summary: 'Move a student to another school, and record it: both or neither' })
  @ApiOkResponse({ type: StudentResponse })
  @ProblemResponses(403, 404, 409, 413)
  async transfer(
    @Param('id') id: string,
    @Body() { schoolId, reason }: TransferStudentRequest,
  ): Promise<StudentResponse> {
    return toStudentResponse(await this.transfers.transfer(id, schoolId, reason));
  }

  @Get(':id/audit')
  @ApiOperation({ summary: 'Who did what to the student, newest first' })
  @ApiOkResponse({ type: [AuditEventResponse] })
  @ProblemResponses(404)
  trail(@Param('id') id: string): Promise<readonly AuditEventResponse[]> {
    return this.students.trail(id);
  }
}
