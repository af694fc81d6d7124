// Entry point: starts what the page has. Every page works without any of this.
import { localizePage } from './core/local-time.js';
import { suggestTimeZone } from './core/time-zone.js';
import { startLengthChecks } from './forms/field-length.js';
import { startPasswordReveal } from './forms/password-reveal.js';
import { startRegistration } from './forms/registration.js';
import { findEditForm, startEditPage } from './message-actions/edit-page.js';
import { createWaitNotice, startNavigationGuard } from './navigation/navigation-guard.js';
import { startSignOut } from './navigation/sign-out.js';
import { clearAfterSignOut, openStorage } from './outbox/storage.js';
import { claimTabId } from './outbox/tab-id.js';
import { ChatShell } from './shell/chat-shell.js';
import { startDrawers } from './shell/drawers.js';
import { startLandmarkKeys } from './shell/landmark-keys.js';
import { startQuickSwitcher } from './shell/quick-switcher.js';
import { startSearch } from './shell/search.js';

const app = /** @type {AppElement | null} */ (document.getElementById('app'));
const { account } = document.body.dataset; // of the signed-in user, on every page
const isSignedOutPage = document.body.classList.contains('auth');

if (app ?? findEditForm()) claimTabId(); // pages on which text is stored
if (account) openStorage({ ...app?.dataset, account });
if (isSignedOutPage) clearAfterSignOut();
const chat = app && new ChatShell(app);
/** @type {(isWaiting: boolean) => void} */
const showWaiting = chat ? (isWaiting) => chat.showWaiting(isWaiting) : createWaitNotice();
const loadPage = startNavigationGuard(showWaiting);
if (!isSignedOutPage) startSignOut();
if (app) startLandmarkKeys();
else localizePage(document);
startDrawers();
startPasswordReveal();
startRegistration();
startQuickSwitcher(chat?.goTo ?? loadPage);
startSearch(showWaiting);
startLengthChecks();
startEditPage();
if (app) suggestTimeZone(app.dataset.me);
