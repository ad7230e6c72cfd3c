// Rules for the page's script, which is one script made of several files.
import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: 'script', globals: { ...globals.browser, when: 'off' } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // The page builds elements and text nodes; whatever parses markup or text as code has no place in it.
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'texts come from logs' },
        { property: 'outerHTML', message: 'texts come from logs' },
        { property: 'insertAdjacentHTML', message: 'texts come from logs' },
        { object: 'document', property: 'write', message: 'texts come from logs' },
      ],
      'no-restricted-globals': ['error', 'fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'localStorage'],
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      'no-shadow': 'error',
      'no-control-regex': 'off',
      complexity: ['error', 25],
      'max-lines-per-function': ['error', { max: 130 }],
    },
  },
];
