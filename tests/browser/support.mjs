export { eventually } from './support/eventually.mjs';
export { seededRandom } from './support/flaky-proxy.mjs';
export { matchesFreshPage } from './support/fresh-page.mjs';
export { holdRequests, isRoomLoading } from './support/hold-requests.mjs';
export { emailOf, PASSWORD } from './support/patio.mjs';
export { bytes, picture, withFiles } from './support/pictures.mjs';
export { firstInView, isSameTop, topOf } from './support/position.mjs';
export { story } from './support/story.mjs';
