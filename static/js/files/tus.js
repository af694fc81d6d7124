// The client of the protocol that uploads continue by, from its package. Bundled alone, like the other libraries: see
// room/highlighter.js.
export { Upload } from 'tus-js-client';
