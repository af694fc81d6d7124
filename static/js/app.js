// Entry: starts what the page at hand has. Every page works without any of this.
import { startChat } from './chat.js';
import { startDrawers } from './drawers.js';
import { findEditForm, startEditForm } from './edit-form.js';
import { createGuard, createNotice } from './guard.js';
import { startLeaving } from './leaving.js';
import { startLengths } from './lengths.js';
import { startRegions } from './regions.js';
import { startRegistering } from './registering.js';
import { startReveal } from './reveal.js';
import { startSearch } from './search.js';
import { startSwitcher } from './switcher.js';
import { suggestZone } from './time-zone.js';
import { localisePage } from './times.js';
import { forgetIfSignedOut, openStorage } from './storage.js';
import { openTab } from './tabs.js';

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
