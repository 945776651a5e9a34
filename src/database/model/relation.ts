import type { InferAttributes, Model as SequelizeModel } from 'sequelize';
import type { Model } from 'sequelize-typescript';

/** Names of the parents that a model declares: `@BelongsTo(() => Student) declare student?: NonAttribute<Student>`. */
export type RelationName<M extends SequelizeModel> = {
  [K in Exclude<keyof M, keyof Model> & string]-?: NonNullable<M[K]> extends SequelizeModel ? K : never;
}[Exclude<keyof M, keyof Model> & string];

/** The parent's model. */
export type RelatedModel<M extends SequelizeModel, R extends PropertyKey> = R extends keyof M
  ? Extract<NonNullable<M[R]>, SequelizeModel>
  : never;

/** The parent's columns, as its own repository returns them. Without symbols: NonAttribute marks with one. */
export type RelatedEntity<M extends SequelizeModel, R extends PropertyKey> = {
  readonly [A in keyof InferAttributes<RelatedModel<M, R>> & string]: InferAttributes<RelatedModel<M, R>>[A];
};
