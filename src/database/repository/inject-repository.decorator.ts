import { Inject } from '@nestjs/common';
import type { Model, ModelStatic } from 'sequelize';

const tokens = new WeakMap<object, symbol>();

/** Token of a model's plain repository. Made by class, not by name: two models of one name stay apart. */
export function repositoryToken(model: { readonly name: string }): symbol {
  let token = tokens.get(model);
  if (!token) {
    token = Symbol(`repository of ${model.name}`);
    tokens.set(model, token);
  }
  return token;
}

/** Injects the plain repository of a model that was registered with `DatabaseModule.forFeature`. */
export function InjectRepository<M extends Model>(model: ModelStatic<M>): ParameterDecorator & PropertyDecorator {
  return Inject(repositoryToken(model));
}
