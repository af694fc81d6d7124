export { eventually } from './support/eventually.mjs';
export { hold, isOnItsWay } from './support/hold.mjs';
export { chance } from './support/line.mjs';
export { isAsFresh } from './support/outline.mjs';
export { emailOf, PASSWORD } from './support/patio.mjs';
export { firstInView, isSameTop, topOf } from './support/place.mjs';
export { story } from './support/story.mjs';
