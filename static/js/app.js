// Entry point: starts what the page has. Every page works without any of this.
import { suggestTimeZone } from './core/local-time.js';
import { startPasswordReveal, startRegistration } from './forms/fields.js';
import { startHypermedia } from './hypermedia/bridge.js';
import { createWaitNotice, reachServer, startNavigationGuard, startSignOut } from './navigation/navigation-guard.js';
import { claimTabId } from './outbox/draft.js';
import { clearAfterSignOut, openStorage } from './outbox/storage.js';
import { startStatusExpiry } from './people/status.js';
import { ChatShell } from './shell/chat-shell.js';
import { startKeysSheet, startLandmarkKeys, startSearch } from './shell/keys.js';
import { enhanceContent, prepareContent, startContent } from './shell/page-content.js';
import { startQuickSwitcher } from './shell/quick-switcher.js';
import { startDrawers } from './shell/sidebar.js';

const app = /** @type {AppElement | null} */ (document.getElementById('app'));
const { account } = document.body.dataset; // of the signed-in user, on every page
const isSignedOutPage = document.body.classList.contains('auth');

if (app) claimTabId(); // where text is stored
if (account) openStorage({ ...app?.dataset, account });
if (isSignedOutPage) clearAfterSignOut();
const shell = app && new ChatShell(app);
/** @type {(isWaiting: boolean) => void} */
const showWaiting = shell ? (isWaiting) => shell.showWaiting(isWaiting) : createWaitNotice();
startNavigationGuard(showWaiting);
if (!isSignedOutPage) startSignOut();
startDrawers();
startRegistration();
startPasswordReveal();
startHypermedia({
  reachServer: () => reachServer(showWaiting),
  showWaiting,
  prepareContent,
  startContent,
  ...shell?.pageChanges,
});
if (shell) {
  startLandmarkKeys();
  startKeysSheet();
  startSearch(shell.goTo);
  startQuickSwitcher(shell.goTo);
  suggestTimeZone(app.dataset.me);
  startStatusExpiry();
} else {
  enhanceContent(document.body);
  // An entry of the shell from before a page load: the browser changes only the address.
  addEventListener('popstate', ({ state }) => {
    if (state) location.reload();
  });
}
