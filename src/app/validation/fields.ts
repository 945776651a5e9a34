import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform, type TransformFnParams, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

/** What every field takes. */
export interface FieldOptions {
  readonly optional?: boolean;
  readonly description?: string;
  readonly example?: string | number | boolean;
}

type Class = new () => object;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DIGITS = /^\d{1,9}$/;
const CALENDAR_DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Text of 1 to `max` characters. */
export function Text(max: number, options: FieldOptions = {}): PropertyDecorator {
  return field({ type: String, minLength: 1, maxLength: max }, options, IsString(), Length(1, max));
}

/** Text that a pattern describes. @param what Ends the sentence "attribute must be …". */
export function Pattern(pattern: RegExp, what: string, options: FieldOptions = {}): PropertyDecorator {
  return field(
    { type: String, pattern: pattern.source },
    options,
    Matches(pattern, { message: `$property must be ${what}` }),
  );
}

/** A UUID in its usual form (RFC 9562). */
export function Uuid(options: FieldOptions = {}): PropertyDecorator {
  return field({ type: String, format: 'uuid' }, options, Matches(UUID, { message: '$property must be a UUID' }));
}

/** A day as YYYY-MM-DD; that it is in the calendar is checked by the repository. */
export function CalendarDate(options: FieldOptions = {}): PropertyDecorator {
  return field(
    { type: String, format: 'date' },
    options,
    Matches(CALENDAR_DATE, { message: '$property must be a date as YYYY-MM-DD' }),
  );
}

/** One of the values. */
export function Choice(values: readonly string[], options: FieldOptions = {}): PropertyDecorator {
  return field({ enum: [...values] }, options, IsIn(values));
}

/** True or false. */
export function Flag(options: FieldOptions = {}): PropertyDecorator {
  return field({ type: Boolean }, options, IsBoolean());
}

/** A whole number in a range. */
export function WholeNumber(min: number, max: number, options: FieldOptions = {}): PropertyDecorator {
  return field({ type: 'integer', minimum: min, maximum: max }, options, IsInt(), Min(min), Max(max));
}

/** An object of another class. */
export function Nested(type: () => Class, options: FieldOptions = {}): PropertyDecorator {
  return field({ type }, options, Type(type), IsObject(), ValidateNested());
}

/** At most `max` objects of another class. */
export function NestedList(type: () => Class, max: number, options: FieldOptions = {}): PropertyDecorator {
  return field(
    { type, isArray: true, maxItems: max },
    options,
    Type(type),
    IsArray(),
    ArrayMaxSize(max),
    ValidateNested({ each: true }),
  );
}

/** Reads the text of a query parameter as a whole number; what is none stays text, and is refused. */
export function FromDigits(): PropertyDecorator {
  return Transform(({ value }: TransformFnParams): unknown =>
    typeof value === 'string' && DIGITS.test(value) ? Number(value) : value,
  );
}

/** Reads `true` and `false` of a query parameter. */
export function FromWord(): PropertyDecorator {
  return Transform(({ value }: TransformFnParams): unknown =>
    value === 'true' ? true : value === 'false' ? false : value,
  );
}

/** An optional field may be left out or null. The first check that fails is the one that is told. */
function field(
  schema: ApiPropertyOptions,
  { optional = false, ...shown }: FieldOptions,
  ...checks: PropertyDecorator[]
): PropertyDecorator {
  const documented = ApiProperty({
    ...schema,
    ...shown,
    required: !optional,
    ...(optional ? { nullable: true } : {}),
  } as ApiPropertyOptions);
  return applyDecorators(documented, ...checks, ...(optional ? [IsOptional()] : []));
}
