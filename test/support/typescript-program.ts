import { dirname, join } from 'node:path';
import ts from 'typescript';

export const projectRoot = join(__dirname, '..', '..');

const configFile = join(projectRoot, 'tsconfig.json');
const parsedFiles = new Map<string, ts.SourceFile>();
let lastProgram: ts.Program | undefined;

/**
 * A program with the project's strict options, in which the package's own name means its sources, as it means its build
 * for a consumer.
 * @param texts Files that exist in memory only, by absolute path.
 * @param roots Further files to start from.
 */
export function createProgram(texts: ReadonlyMap<string, string>, roots: readonly string[] = []): ts.Program {
  const parsed = ts.parseJsonConfigFileContent(
    ts.readConfigFile(configFile, ts.sys.readFile).config,
    { ...ts.sys, readDirectory: () => [] },
    dirname(configFile),
  );
  const options: ts.CompilerOptions = {
    ...parsed.options,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {
      'nestjs-phi-database': [join(projectRoot, 'src', 'index.ts')],
      'nestjs-phi-database/domains': [join(projectRoot, 'src', 'domains', 'index.ts')],
      'nestjs-phi-database/testing': [join(projectRoot, 'src', 'database', 'testing', 'index.ts')],
    },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists.call(host, file);
  host.readFile = (file) => texts.get(file) ?? readFile.call(host, file);
  host.getSourceFile = (file, target, ...rest) => {
    const text = texts.get(file);
    if (text !== undefined) return ts.createSourceFile(file, text, target, true);
    const source = parsedFiles.get(file) ?? getSourceFile.call(host, file, target, ...rest);
    if (source) parsedFiles.set(file, source);
    return source;
  };
  lastProgram = ts.createProgram([...roots, ...texts.keys()], options, host, lastProgram);
  return lastProgram;
}

/** The compiler's complaints about one file, as `line: text`. */
export function complaints(program: ts.Program, file: string): string[] {
  const source = program.getSourceFile(file);
  if (source === undefined) return [`${file} is not part of the program`];
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => {
    const { line } = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
    return `${line + 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
  });
}

const snippet = join(projectRoot, 'test', 'types', 'snippet.ts');

/**
 * Type-checks code as a consumer would write it.
 * @param preamble Imports and declarations before it; complaints count lines from the code itself.
 * @returns What the compiler complains of; empty when the code compiles.
 */
export function typeCheck(code: string, preamble = ''): string[] {
  const text = `${preamble.replaceAll(/\s*\n\s*/g, ' ')} export {};\n${code}`;
  return complaints(createProgram(new Map([[snippet, text]])), snippet);
}
