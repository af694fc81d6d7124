export { eventually } from './support/eventually.mjs';
export { chance } from './support/flaky-proxy.mjs';
export { isAsFresh } from './support/fresh-page.mjs';
export { hold, isOnItsWay } from './support/hold-requests.mjs';
export { emailOf, PASSWORD } from './support/patio.mjs';
export { firstInView, isSameTop, topOf } from './support/position.mjs';
export { story } from './support/story.mjs';
