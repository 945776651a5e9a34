import { type DynamicModule, Module } from '@nestjs/common';
import { DatabaseModule } from '../database/database.module';
import type { DatabaseOptions } from '../database/database.options';
import { domainRepositories } from '../domains';

@Module({})
class SeedModule {}

/**
 * What seeds can ask for: the database and every repository of the domain.
 * @param database Where to connect; the server runs already, and is migrated.
 */
export function seedModule(database: DatabaseOptions): DynamicModule {
  return {
    module: SeedModule,
    imports: [
      DatabaseModule.forRoot({ ...database, migrateOnStart: false, embedded: { enabled: false } }),
      DatabaseModule.forFeature(domainRepositories),
    ],
  };
}
