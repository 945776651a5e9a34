import { ApiProperty } from '@nestjs/swagger';
import type { AuditEvent } from '../../index';

const optional = { type: String, nullable: true } as const;
const image = { type: Object, nullable: true } as const;

/** One line of a trail: who did what, when, and on which request. */
export class AuditEventResponse implements AuditEvent {
  @ApiProperty() readonly at!: Date;
  @ApiProperty({ example: 'UPDATE' }) readonly action!: string;
  @ApiProperty({ example: 'Student' }) readonly entity!: string;
  @ApiProperty(optional) readonly entityId!: string | null;
  @ApiProperty() readonly userId!: string;
  @ApiProperty(optional) readonly userRole!: string | null;
  @ApiProperty(optional) readonly clinicId!: string | null;
  @ApiProperty(optional) readonly requestId!: string | null;
  @ApiProperty(optional) readonly ipAddress!: string | null;
  @ApiProperty(optional) readonly reason!: string | null;
  @ApiProperty() readonly transactionId!: string;
  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'Every attribute that changed; of PHI no value is kept.',
  })
  readonly changed!: readonly string[] | null;
  @ApiProperty(image) readonly before!: Readonly<Record<string, unknown>> | null;
  @ApiProperty(image) readonly after!: Readonly<Record<string, unknown>> | null;
  @ApiProperty(image) readonly details!: Readonly<Record<string, unknown>> | null;
  @ApiProperty({ description: 'True: the change came past the application.' }) readonly contextMissing!: boolean;
}
