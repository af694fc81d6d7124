// Entry: starts what the page at hand has. Every page works without any of this.

import { localisePage } from './core/local-time.js';
import { suggestZone } from './core/time-zone.js';
import { startLengths } from './forms/field-length.js';
import { startReveal } from './forms/password-reveal.js';
import { startRegistering } from './forms/registration.js';
import { findEditForm, startEditForm } from './message-actions/edit-page.js';
import { createGuard, createNotice } from './navigation/navigation-guard.js';
import { startLeaving } from './navigation/sign-out.js';
import { forgetIfSignedOut, openStorage } from './outbox/storage.js';
import { openTab } from './outbox/tab-id.js';
import { startChat } from './shell/chat-shell.js';
import { startDrawers } from './shell/drawers.js';
import { startRegions } from './shell/landmark-keys.js';
import { startSwitcher } from './shell/quick-switcher.js';
import { startSearch } from './shell/search.js';

const app = document.getElementById('app');
const { account } = document.body.dataset; // of whoever is signed in, on every page
if (app ?? findEditForm()) openTab(); // something is typed here that has to last
if (account) openStorage({ ...app?.dataset, account });
const isGate = document.body.classList.contains('gate');
if (isGate) forgetIfSignedOut();
const chat = app ? startChat(app) : null;
const guard = createGuard(chat?.say ?? createNotice());
if (!isGate) startLeaving();
if (app) startRegions();
else localisePage(document);
startDrawers();
startReveal();
startRegistering();
startSwitcher(chat?.go ?? guard.go);
startSearch(guard.say);
startLengths();
startEditForm();
if (app) suggestZone(app.dataset.me);
