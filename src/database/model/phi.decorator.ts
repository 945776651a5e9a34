import 'reflect-metadata';

/** What `@Phi()` says of a column. */
export interface PhiOptions {
  /** Attribute that holds the id of the patient the value is about. Default: the tenant only. */
  readonly subject?: string;
}

const PHI = Symbol('phi');

/**
 * Marks a column as protected health information (45 CFR 160.103). The single source for the audit trail's
 * allow-list, log redaction, cache policy and encryption: no value of such a column leaves its row.
 */
export function Phi(options: PhiOptions = {}): PropertyDecorator {
  return (target, key) => {
    const own: Map<string, PhiOptions> = new Map(phiAttributes(target.constructor));
    own.set(String(key), options);
    Reflect.defineMetadata(PHI, own, target.constructor);
  };
}

/** The PHI attributes of a model class, its ancestors' included. */
export function phiAttributes(model: object): ReadonlyMap<string, PhiOptions> {
  return (Reflect.getMetadata(PHI, model) as Map<string, PhiOptions> | undefined) ?? new Map();
}
