import { readFileSync } from 'node:fs';

describe('the installation on a server', () => {
  it('puts no password on a command line', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(readme).not.toMatch(/SET bootstrap\./);
    expect(readme).toMatch(/PGOPTIONS="-c bootstrap\.app_password=\$DB_PASSWORD/);
  });

  it.each(['log_error_verbosity=terse', 'log_min_error_statement=panic', 'log_parameter_max_length_on_error=0'])(
    'starts the server of docker-compose with %s, so that its log holds no value',
    (setting) => {
      expect(readFileSync('docker-compose.yml', 'utf8')).toContain(`      - -c\n      - ${setting}\n`);
    },
  );
});
