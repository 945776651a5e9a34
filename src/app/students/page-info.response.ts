import { ApiProperty } from '@nestjs/swagger';
import type { Pagination } from '../../index';

/** Which part of the whole a page is. */
export class PageInfo implements Pagination {
  @ApiProperty() readonly page!: number;
  @ApiProperty() readonly limit!: number;
  @ApiProperty({ type: Number, nullable: true, description: 'Rows on all pages.' }) readonly total!: number | null;
  @ApiProperty({ type: Number, nullable: true }) readonly pages!: number | null;
  @ApiProperty() readonly hasNext!: boolean;
  @ApiProperty() readonly hasPrevious!: boolean;
}
