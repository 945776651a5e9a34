import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const specs = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.spec.ts'));

/** Ways to put something else in the place of a module, or of a method of Sequelize or the driver. */
const STAND_INS = [
  /jest\s*\.\s*(mock|doMock|unstable_mockModule|setMock|createMockFromModule)\s*\(/,
  /overrideProvider\s*\(\s*(Sequelize|getConnectionToken|getModelToken)/,
  /spyOn\(\s*(Sequelize|Transaction)\b.*\.mock(Implementation|Resolved|Rejected|Return)/,
];

const standIns = (text: string): boolean => STAND_INS.some((pattern) => pattern.test(text));

describe('The tests', () => {
  it('are run by Jest, every one of them [D24]', () => {
    const strays = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /[.-]test\.[cm]?ts$/.test(file),
    );
    expect(strays).toEqual([]);
    expect(specs.length).toBeGreaterThan(90);
  });

  it('put nothing in the place of Sequelize, the driver or any module: what they show is the real thing [D05]', () => {
    expect(specs.filter((file) => standIns(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });

  it.each(['mock', 'doMock'])('would be seen to do so by jest.%s', (name) => {
    expect(standIns(`jest.${name}('sequelize', () => ({}));`)).toBe(true);
  });
});
