import type { Model } from 'sequelize';
import type { RelatedEntity, RelatedModel, RelationName } from '../model/relation';

/** What to read of a parent: `true` for all of its attributes, or some of them and its own parents. */
export type IncludeOption<E, M extends Model, Depth extends unknown[]> =
  | true
  | {
      /** Attributes of the parent to return; default all. */
      readonly select?: readonly (keyof E)[];
      /** The parent's parents. */
      readonly include?: Include<M, Depth>;
    };

/**
 * Parents to read along with each row, by name: `{ student: { select: ['grade'], include: { school: true } } }`. Up to
 * five levels; a parent that is missing, deleted or not visible is null.
 */
export type Include<M extends Model, Depth extends unknown[] = []> = Depth['length'] extends 5
  ? { readonly [name: string]: never }
  : {
      readonly [R in RelationName<M>]?: IncludeOption<RelatedEntity<M, R>, RelatedModel<M, R>, [...Depth, unknown]>;
    };

/** Refuses what an inferred include has too much: the compiler looks for unknown keys in object literals only. */
export type ExactInclude<M extends Model, I> = [keyof I] extends [never]
  ? { readonly [name: string]: never }
  : {
      readonly [R in keyof I]: R extends RelationName<M> ? ExactOption<RelatedModel<M, R>, I[R]> : never;
    };

type ExactOption<M extends Model, O> = O extends true
  ? true
  : O extends object
    ? {
        readonly [P in keyof O]: P extends 'select'
          ? O[P]
          : P extends 'include'
            ? ExactInclude<M, NonNullable<O[P]>>
            : never;
      }
    : never;

/** The parents of a row, by what was included. */
export type Included<M extends Model, I> = {
  readonly [R in keyof I]: IncludedParent<RelatedEntity<M, R>, RelatedModel<M, R>, NonNullable<I[R]>> | null;
};

type IncludedParent<E, M extends Model, O> = WithIncluded<
  SelectedOf<E, O>,
  M,
  O extends { readonly include?: infer I } ? NonNullable<I> : object
>;

/** Where the call does not say whether it selects, any attribute may be missing. */
type SelectedOf<E, O> = O extends { readonly select: readonly (infer A extends keyof E)[] }
  ? Pick<E, A>
  : 'select' extends keyof O
    ? Partial<E>
    : E;

/** A row and the parents that were asked for with it. */
export type WithIncluded<E, M extends Model, I> = [keyof I] extends [never] ? E : E & Included<M, I>;

/** What a reading call returns: the attributes K of a row, and the parents that were included. */
export type Found<T, K extends keyof T, M extends Model, I> = WithIncluded<Pick<T, K>, M, I>;
