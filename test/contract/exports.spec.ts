import { join } from 'node:path';
import ts from 'typescript';
import { createProgram, projectRoot } from '../support/typescript-program';

const entryPoints = ['src/index.ts'].map((file) => join(projectRoot, file));
const program = createProgram(new Map(), entryPoints);

/** The names an entry point exports, with what each is: `value`, `type`, or both as classes are. */
function exportsOf(file: string): Record<string, string> {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
  const entries = checker.getExportsOfModule(module).map((symbol): [string, string] => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const kinds = [
      target.flags & ts.SymbolFlags.Value ? 'value' : '',
      target.flags & ts.SymbolFlags.Type ? 'type' : '',
    ];
    return [symbol.name, kinds.filter(Boolean).join(' and ')];
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe('the public names', () => {
  it.each(entryPoints)('are the ones agreed on: %#', (file) => {
    expect(exportsOf(file)).toMatchSnapshot();
  });

  it('include every name of the architecture [003-02]', () => {
    const promised = [
      'DatabaseModule',
      'BaseModel',
      'TenantModel',
      'Phi',
      'BaseRepository',
      'repositoryFor',
      'InjectRepository',
      'IRepository',
      'QueryCriteria',
      'QueryOptions',
      'PaginatedResult',
      'ExecutionContext',
      'createExecutionContext',
      'createSystemExecutionContext',
      'ContextInterceptor',
      'runWithContext',
      'IUnitOfWork',
      'TransactionOptions',
      'Propagation',
      'IsolationLevel',
      'Transactional',
      'InjectUnitOfWork',
      'ICacheManager',
      'CacheTTL',
      'CacheKeyBuilder',
      'IAuditLogger',
      'AuditAction',
      'sanitizeSensitiveData',
      'Database',
      'DatabaseHealthIndicator',
      'DatabaseError',
    ];
    const names = Object.keys(exportsOf(entryPoints[0]!));
    expect(promised.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('are named one by one', () => {
    const text = program.getSourceFile(entryPoints[0]!)!.text;
    expect(text).not.toMatch(/export\s+\*/);
  });
});
