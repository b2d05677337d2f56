export default {
  files: ['dist/test/**/*.test.js'],
  environmentVariables: { NODE_NO_WARNINGS: '1' },
  timeout: '10m',
};
