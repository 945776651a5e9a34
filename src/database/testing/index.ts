export { withRollback, type WithRollbackOptions } from './with-rollback';
