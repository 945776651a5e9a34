import { getAssociations, type ModelCtor } from 'sequelize-typescript';
import { registerPhiModel } from '../model/phi-registry';

/**
 * The models and every model they point to: Sequelize can only link models that were added together.
 * @returns Each model once; their PHI columns are registered on the way.
 */
export function withAssociated(models: readonly ModelCtor[]): ModelCtor[] {
  const found = new Set<ModelCtor>();
  const visit = (model: ModelCtor): void => {
    if (found.has(model)) return;
    found.add(model);
    registerPhiModel(model);
    for (const association of getAssociations(model.prototype) ?? [])
      visit(association.getAssociatedClass() as ModelCtor);
  };
  models.forEach(visit);
  return [...found];
}
