// Checks the style sheets. `npm run lint:css -- --fix` corrects their layout.
export default {
  extends: ['stylelint-config-standard', '@stylistic/stylelint-config'],
  rules: {
    // One declaration a line, so that a diff shows what changed.
    '@stylistic/block-opening-brace-newline-after': 'always',
    '@stylistic/block-closing-brace-newline-before': 'always',
    '@stylistic/declaration-block-semicolon-newline-after': 'always',
    // BEM: block, block__element, block--modifier.
    'selector-class-pattern': '^[a-z][a-z0-9]*(-[a-z0-9]+)*(__[a-z0-9]+(-[a-z0-9]+)*)?(--[a-z0-9]+(-[a-z0-9]+)*)?$',
    'alpha-value-notation': 'number',
    'hue-degree-notation': 'number',
    'import-notation': 'string',
    // Names of typefaces keep their capitals.
    'value-keyword-case': ['lower', { ignoreProperties: ['/^--font-/', 'font-family'] }],
    // Safari supports it with its prefix only.
    'property-no-vendor-prefix': [true, { ignoreProperties: ['-webkit-text-size-adjust', 'text-size-adjust'] }],
    // Rules stand beside what they belong to; what must win stands in a stronger layer.
    'no-descending-specificity': null,
  },
};
