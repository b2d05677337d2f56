/** The arrows of the house: scenarios -> actors -> machines; `src/` knows the two contracts and no lock, let alone VFIO. */
const not = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { pathNot: 'node_modules' }, to: { circular: true } },
    not('machines-stand-alone', '^machines/', '^(actors|scenarios|src|bench|test)/|node_modules/rxjs'),
    not('operations-never-choose', '^actors/', '^(scenarios|src|bench|test)/|node_modules/(rxjs|xstate)'),
    not('scenarios-use-the-front-door', '^scenarios/', '^src/(?!index\\.ts$)|^(bench|test)/'),
    not(
      'checker-knows-steps-not-locks',
      '^src/',
      '^(scenarios|bench|test)/|^machines/(?!(object|built-in)\\.ts$)|^actors/(?!step\\.ts$)',
    ),
    not('model-stands-below', '^src/model/', '^src/(?!model/)'),
    not('tables-do-not-search', '^src/tables/', '^src/(?!(tables|model)/)'),
    not('traces-stand-alone', '^src/trace/', '^src/(?!(trace|model)/)'),
    not('search-does-not-run-live', '^src/explore/', '^src/(?!(explore|tables|model)/)'),
    not('live-does-not-search', '^src/live/', '^src/(?!(live|trace|model)/|tables/answer\\.ts$)'),
    not('export-writes-what-a-search-met', '^src/export/', '^src/(?!(export|explore|tables|model)/)'),
    not('documents-stand-alone', '^src/document/', '^src/(?!document/|reporters/layout\\.ts$)'),
    not('review-concludes-from-searches', '^src/review/', '^src/(?!(review|locks|explore|tables|model)/)'),
    not('reports-read-results', '^src/reporters/', '^src/(live|tables|cli)/'),
    not('only-the-cli-is-the-cli', '^src/(?!cli/)', '^src/cli/'),
    not('only-the-cli-prints', '^src/(?!cli/)', 'node_modules/(commander|picocolors)'),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, exclude: '^dist' },
};
