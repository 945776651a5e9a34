import type { Sequelize } from 'sequelize-typescript';
import type { TransactionOptions } from '../../src';
import { PhysicalTransaction } from '../../src/database/connection/scope/physical-transaction';
import { Scope } from '../../src/database/connection/scope/scope';
import { ScopeHooks } from '../../src/database/connection/scope/scope-hooks';
import { WorkUnderWay } from '../../src/database/connection/scope/work-under-way';
import { UnitOfWork } from '../../src/database/transaction/unit-of-work';
import { NestedScopeActiveError, TransactionScopeClosedError, UnexpectedRollbackError } from '../../src';

/** The library with one promise broken, to see that the random trees would notice. */
export interface Variant {
  readonly name: string;
  /** Breaks the classes of the library in this process. @returns What mends them. */
  readonly breakIt: () => () => void;
}

type Method = (...args: never[]) => unknown;

/** Replaces a method that must exist: a variant whose seam has gone would show nothing. */
function replace<F extends Method>(target: object, name: string, make: (original: F) => F): () => void {
  const methods = target as Record<string, Method>;
  const original = methods[name];
  if (typeof original !== 'function') throw new Error(`The variant's seam ${name} has gone`);
  methods[name] = make(original as F);
  return () => {
    methods[name] = original;
  };
}

type Send = (this: Scope, ...args: Parameters<Scope['send']>) => ReturnType<Scope['send']>;
type Control = (this: PhysicalTransaction, ...args: Parameters<PhysicalTransaction['control']>) => Promise<void>;
type Commit = (this: PhysicalTransaction, ...args: Parameters<PhysicalTransaction['commit']>) => Promise<void>;
type Plain<T = void> = (this: Scope) => T;
type Execute = (fn: never, context: never, options?: TransactionOptions) => Promise<unknown>;

/** What of a scope is not public. */
const parts = (scope: Scope) => scope as unknown as { readonly sequelize: Sequelize; readonly parent?: Scope };

/** Another propagation in the place of the one that was asked for. */
const instead =
  (asked: TransactionOptions['propagation'], done: TransactionOptions['propagation']) => (): (() => void) =>
    replace<Execute>(
      UnitOfWork.prototype,
      'executeInTransaction',
      (original) =>
        function (this: UnitOfWork, fn, context, options) {
          return original.call(
            this,
            fn,
            context,
            options?.propagation === asked ? { ...options, propagation: done } : options,
          );
        },
    );

/** Passes hooks to the outer unit, changed. */
const hoist =
  (change: (hooks: ScopeHooks, original: (outer: ScopeHooks) => void, outer: ScopeHooks) => void) => (): (() => void) =>
    replace<(this: ScopeHooks, outer: ScopeHooks) => void>(
      ScopeHooks.prototype,
      'hoistTo',
      (original) =>
        function (this: ScopeHooks, outer) {
          change(this, original.bind(this), outer);
        },
    );

export const variants: readonly Variant[] = [
  {
    name: 'a straggler autocommits',
    breakIt: () =>
      replace<Send>(
        Scope.prototype,
        'send',
        (original) =>
          async function (this: Scope, statements, context) {
            try {
              this.assertOpen();
            } catch (error) {
              if (!(error instanceof TransactionScopeClosedError)) throw error;
              const alone = new Scope(parts(this).sequelize, { context: context ?? this.context, prepared: false });
              const results = await original.call(alone, statements, context);
              await alone.commit();
              return results;
            }
            return original.call(this, statements, context);
          },
      ),
  },
  {
    name: 'hooks run at RELEASE',
    breakIt: hoist((hooks, original, outer) => {
      for (const hook of hooks.afterCommit.splice(0)) void Promise.resolve(hook()).catch(() => undefined);
      original(outer);
    }),
  },
  {
    name: 'savepoint names are reused, and savepoints not released',
    breakIt: () =>
      replace<Control>(
        PhysicalTransaction.prototype,
        'control',
        (original) =>
          async function (this: PhysicalTransaction, texts, acting) {
            const sent = texts.map((text) =>
              text.startsWith('RELEASE') ? 'SELECT 1' : text.replace(/unit_\d+/, 'unit'),
            );
            await original.call(this, sent, acting);
          },
      ),
  },
  {
    name: 'a joined failure does not mark the unit rollback-only',
    breakIt: () => replace(Scope.prototype, 'markRollbackOnly', () => () => undefined),
  },
  {
    name: 'afterRollback of a released savepoint is dropped',
    breakIt: hoist((hooks, original, outer) => {
      hooks.afterRollback.length = 0;
      original(outer);
    }),
  },
  {
    name: 'beforeCommit of a released savepoint is dropped',
    breakIt: hoist((hooks, original, outer) => {
      hooks.beforeCommit.length = 0;
      original(outer);
    }),
  },
  {
    name: 'hooks of a savepoint are hoisted in reverse',
    breakIt: hoist((hooks, original, outer) => {
      for (const list of Object.values(hooks)) (list as unknown[]).reverse();
      original(outer);
    }),
  },
  {
    name: 'hooks of a savepoint that was rolled back are hoisted, too',
    breakIt: () =>
      replace<Plain<Promise<void>>>(
        Scope.prototype,
        'rollback',
        (original) =>
          async function (this: Scope) {
            await original.call(this);
            const { parent } = parts(this);
            if (parent) this.hooks.hoistTo(parent.hooks);
          },
      ),
  },
  {
    name: 'work that nobody awaited is committed',
    breakIt: () => replace(WorkUnderWay.prototype, 'refuseUnawaited', () => () => undefined),
  },
  {
    name: 'the answer to COMMIT is not looked at',
    breakIt: () =>
      replace<Commit>(
        PhysicalTransaction.prototype,
        'commit',
        (original) =>
          async function (this: PhysicalTransaction, acting) {
            await original.call(this, acting).catch((error: unknown) => {
              if (!(error instanceof UnexpectedRollbackError)) throw error;
            });
          },
      ),
  },
  {
    name: 'the outer unit takes statements while a nested one is open',
    breakIt: () =>
      replace<Plain>(
        Scope.prototype,
        'assertOpen',
        (original) =>
          function (this: Scope) {
            try {
              original.call(this);
            } catch (error) {
              if (!(error instanceof NestedScopeActiveError)) throw error;
            }
          },
      ),
  },
  { name: 'NESTED joins', breakIt: instead('NESTED', 'REQUIRED') },
  { name: 'REQUIRED nests', breakIt: instead('REQUIRED', 'NESTED') },
  { name: 'REQUIRES_NEW joins', breakIt: instead('REQUIRES_NEW', 'REQUIRED') },
  { name: 'NOT_SUPPORTED stays in the unit', breakIt: instead('NOT_SUPPORTED', 'SUPPORTS') },
  { name: 'MANDATORY begins a unit', breakIt: instead('MANDATORY', 'REQUIRED') },
  { name: 'NEVER joins', breakIt: instead('NEVER', 'SUPPORTS') },
  { name: 'SUPPORTS begins a unit', breakIt: instead('SUPPORTS', 'REQUIRED') },
];
