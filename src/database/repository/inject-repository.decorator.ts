import { Inject } from '@nestjs/common';
import type { Model, ModelStatic } from 'sequelize';

/** Token of a model's plain repository. */
export function repositoryToken(model: { readonly name: string }): string {
  return `${model.name}Repository`;
}

/** Injects the plain repository of a model that was registered with `DatabaseModule.forFeature`. */
export function InjectRepository<M extends Model>(model: ModelStatic<M>): ParameterDecorator & PropertyDecorator {
  return Inject(repositoryToken(model));
}
