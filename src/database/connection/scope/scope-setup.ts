import type { ExecutionContext } from '../../context/execution-context';
import type { BeginOptions } from '../session-settings';

/** What a unit of work begins with. */
export interface ScopeSetup {
  readonly context?: ExecutionContext;
  readonly options?: BeginOptions;
  readonly prepared: boolean;
  /** Which attempt this is, from 1. */
  readonly attempt?: number;
  /** True: what the unit writes is committed with an event of its outcome. Lone statements leave none. */
  readonly audited?: boolean;
}
