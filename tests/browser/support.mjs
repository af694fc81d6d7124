export { eventually } from './support/eventually.mjs';
export { emailOf, PASSWORD } from './support/patio.mjs';
export { story } from './support/story.mjs';
