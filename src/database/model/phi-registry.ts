import { phiAttributes, type PhiOptions } from './phi.decorator';

const models = new Map<string, object>();

/** Makes a model's PHI columns known by the entity's name. */
export function registerPhiModel(model: { readonly name: string }): void {
  models.set(model.name, model);
}

/** The PHI attributes of a registered entity, or undefined for a name that is not one. */
export function phiModel(entity: string): ReadonlyMap<string, PhiOptions> | undefined {
  const model = models.get(entity);
  return model && phiAttributes(model);
}
