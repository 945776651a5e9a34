import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { ContextInterceptor, DatabaseModule } from '../index';
import { domainRepositories } from '../domains';
import { APP_OPTIONS, type AppOptions } from './app.options';
import { JwtGuard } from './auth/jwt.guard';
import { RolesGuard } from './auth/roles.guard';
import { EnrolmentsModule } from './enrolments/enrolments.module';
import { ProblemFilter } from './errors/problem.filter';
import { HealthModule } from './health/health.module';
import { StudentsModule } from './students/students.module';
import { inputValidation } from './validation/validation.pipe';

/** The reference application. */
@Module({})
export class AppModule {
  static register(options: AppOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(options.database),
        // All of the domain, for the seeds.
        DatabaseModule.forFeature(domainRepositories),
        HealthModule,
        StudentsModule,
        EnrolmentsModule,
      ],
      providers: [
        { provide: APP_OPTIONS, useValue: options },
        // In this order: who is it, and may they; then on whose behalf everything runs.
        { provide: APP_GUARD, useClass: JwtGuard },
        { provide: APP_GUARD, useClass: RolesGuard },
        { provide: APP_INTERCEPTOR, useExisting: ContextInterceptor },
        { provide: APP_PIPE, useFactory: inputValidation },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
