import type { ExecutionContext } from '../../context/execution-context';
import { contextSetting, tenantSetting, twoClinics } from '../session-settings';

/**
 * Who acts in one transaction, and for which clinic. The first context that names a clinic gives the transaction its
 * tenant, which then stays.
 */
export class Acting {
  private clinicId?: string;

  constructor(private own?: ExecutionContext) {
    this.clinicId = own?.clinicId;
  }

  /** The context of the whole transaction, once it is known. */
  get context(): ExecutionContext | undefined {
    return this.own;
  }

  /**
   * `SET LOCAL` statements for a statement that runs on behalf of `context`; an explicit one wins over the
   * transaction's own.
   * @throws TenantDeniedError for another clinic.
   */
  settings(context?: ExecutionContext): string {
    const clinicId = this.clinicId ?? context?.clinicId;
    if (context && context !== this.own && context.clinicId !== clinicId) throw twoClinics();
    const settings = tenantSetting(clinicId) + contextSetting(context ?? this.own);
    // Only now: a context that is refused must not become that of the transaction.
    this.own ??= context;
    this.clinicId = clinicId;
    return settings;
  }
}
