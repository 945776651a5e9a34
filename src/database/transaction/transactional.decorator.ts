import { Inject } from '@nestjs/common';
import { TransactionOptionsError } from '../transaction.errors';
import { type IUnitOfWork, type TransactionOptions, UNIT_OF_WORK } from './unit-of-work.interface';

const PROPERTY = Symbol('unit of work');

/**
 * Runs a method of an injectable class in a unit of work, on the ambient context; the same as calling
 * executeInTransaction around its body. On an object that Nest did not make it throws TransactionOptionsError.
 */
export function Transactional(options: TransactionOptions = {}): MethodDecorator {
  return (target, _key, descriptor) => {
    // Property injection: the class needs no constructor parameter for it.
    Inject(UNIT_OF_WORK)(target, PROPERTY);
    const method = descriptor.value as unknown as (...args: unknown[]) => Promise<unknown>;
    async function transactional(this: { [PROPERTY]?: IUnitOfWork }, ...args: unknown[]): Promise<unknown> {
      const unitOfWork = this?.[PROPERTY];
      if (!unitOfWork) {
        throw new TransactionOptionsError(
          'A method with @Transactional was called on an object that has no unit of work',
          'Let Nest make the object: register its class as a provider, and do not use new.',
        );
      }
      return unitOfWork.executeInTransaction(() => method.apply(this, args), undefined, options);
    }
    // Metadata that other decorators put on the method, such as routes and guards, must stay readable.
    for (const key of Reflect.getMetadataKeys(method)) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, method), transactional);
    }
    Object.defineProperty(transactional, 'name', { value: method.name });
    return { ...descriptor, value: transactional as never };
  };
}
